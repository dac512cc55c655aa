//! lockwork for programs in Rust without `std`, which are compiled to WebAssembly and share their memory with other threads.
//! Copy it beside your program: `mod lockwork;`. docs/wasm.md has the compiler's flags, and where the arena lies.
//!
//! A primitive is a handle of 8 bytes. In a `static` it begins as none; one thread calls `init`, before the others begin.
#![allow(dead_code)]

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};

#[link(wasm_import_module = "lockwork")]
extern "C" {
    fn create(out: *mut Handle, kind: i32, count: i32, stamp: i32, ms: f64) -> i32;
    fn lock_acquire(address: u32, stamp: i32, ms: f64) -> i32;
    fn lock_release(address: u32, stamp: i32) -> i32;
    fn lock_recover(address: u32, stamp: i32) -> i32;
    fn event_wait(address: u32, stamp: i32, ms: f64) -> i32;
    fn event_set(address: u32, stamp: i32) -> i32;
    fn event_clear(address: u32, stamp: i32) -> i32;
    fn cond_wait(address: u32, stamp: i32, ms: f64) -> i32;
    fn cond_notify(address: u32, stamp: i32, n: i32) -> i32;
}

/// Milliseconds.
pub const FOREVER: f64 = f64::INFINITY;

/// A status of `lockwork.h` that is not OK.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(pub i32);

impl Error {
    pub const TIMEOUT: Error = Error(-1);
    pub const NOT_HELD: Error = Error(-2);
    pub const MAY_NOT_BLOCK: Error = Error(-8);
    pub const DEADLOCK: Error = Error(-9);
    pub const INVALID: Error = Error(-11);
    /// The thread that held the lock has died, and what it protects may be half done: `Mutex::recover`.
    pub const ABANDONED: Error = Error(-12);
}

fn check(status: i32) -> Result<(), Error> {
    if status < 0 {
        Err(Error(status))
    } else {
        Ok(())
    }
}

/// The two numbers that JavaScript has as `address` and `stamp`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Handle {
    pub address: u32,
    pub stamp: i32,
}

/// Of a primitive that is made later, by the program or by JavaScript.
struct Place(UnsafeCell<Handle>);

unsafe impl Sync for Place {}

impl Place {
    const fn new() -> Place {
        Place(UnsafeCell::new(Handle {
            address: 0,
            stamp: 0,
        }))
    }

    fn handle(&self) -> (u32, i32) {
        let Handle { address, stamp } = unsafe { *self.0.get() };
        (address, stamp)
    }

    unsafe fn init(&self, kind: i32, count: i32, stamp: i32) -> Result<(), Error> {
        check(create(self.0.get(), kind, count, stamp, 0.0))
    }
}

/// A value that one thread at a time may have.
pub struct Mutex<T> {
    lock: Place,
    value: UnsafeCell<T>,
}

unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            lock: Place::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// # Safety
    /// Once, while no other thread uses it.
    pub unsafe fn init(&self) -> Result<(), Error> {
        self.lock.init(3, 0, 0)
    }

    /// Waits for it, for so many ms. An abandoned one is refused.
    pub fn lock(&self, ms: f64) -> Result<Guard<'_, T>, Error> {
        let status = self.acquire(ms);
        if status == Error::ABANDONED.0 {
            self.release();
        }
        check(status).map(|()| Guard { mutex: self })
    }

    /// The same, but an abandoned one is put in order by `repair`, which has its value.
    pub fn recover(&self, ms: f64, repair: impl FnOnce(&mut T)) -> Result<Guard<'_, T>, Error> {
        let status = self.acquire(ms);
        if status != Error::ABANDONED.0 {
            return check(status).map(|()| Guard { mutex: self });
        }
        let mut guard = Guard { mutex: self };
        repair(&mut guard);
        let (address, stamp) = self.lock.handle();
        check(unsafe { lock_recover(address, stamp) }).map(|()| guard)
    }

    fn acquire(&self, ms: f64) -> i32 {
        let (address, stamp) = self.lock.handle();
        unsafe { lock_acquire(address, stamp, ms) }
    }

    fn release(&self) {
        let (address, stamp) = self.lock.handle();
        unsafe { lock_release(address, stamp) };
    }
}

/// Holds a mutex until it is dropped.
pub struct Guard<'a, T> {
    mutex: &'a Mutex<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.mutex.release();
    }
}

/// Threads that have a mutex, and wait until another notifies them.
pub struct Condition {
    condition: Place,
    lock: Place,
}

impl Condition {
    pub const fn new() -> Condition {
        Condition {
            condition: Place::new(),
            lock: Place::new(),
        }
    }

    /// # Safety
    /// Once, while no other thread uses it; after the mutex.
    pub unsafe fn init<T>(&self, mutex: &Mutex<T>) -> Result<(), Error> {
        let (address, stamp) = mutex.lock.handle();
        if stamp == 0 {
            // `create` would make an RLock that the program has no handle of.
            return Err(Error::INVALID);
        }
        *self.lock.0.get() = Handle { address, stamp };
        self.condition.init(9, address as i32, stamp)
    }

    /// Lets the mutex go meanwhile. It has it again afterwards, also after an error: look in a loop at what is waited for.
    /// After `ABANDONED`, too, and then the value may be half done.
    pub fn wait<T>(&self, guard: &mut Guard<'_, T>, ms: f64) -> Result<(), Error> {
        let (address, stamp) = self.held(guard)?;
        check(unsafe { cond_wait(address, stamp, ms) })
    }

    pub fn notify<T>(&self, guard: &mut Guard<'_, T>, waiters: i32) -> Result<(), Error> {
        let (address, stamp) = self.held(guard)?;
        check(unsafe { cond_notify(address, stamp, waiters) })
    }

    /// Its handle, for who has its mutex: with another one's guard, it would let go what another thread has.
    fn held<T>(&self, guard: &Guard<'_, T>) -> Result<(u32, i32), Error> {
        if guard.mutex.lock.handle() == self.lock.handle() {
            Ok(self.condition.handle())
        } else {
            Err(Error::NOT_HELD)
        }
    }
}

/// A flag that threads wait for.
pub struct Event(Place);

impl Event {
    pub const fn new() -> Event {
        Event(Place::new())
    }

    /// # Safety
    /// Once, while no other thread uses it.
    pub unsafe fn init(&self) -> Result<(), Error> {
        self.0.init(7, 0, 0)
    }

    /// Where its two numbers are, for JavaScript.
    pub fn handle(&self) -> *const Handle {
        self.0 .0.get()
    }

    pub fn wait(&self, ms: f64) -> Result<(), Error> {
        let (address, stamp) = self.0.handle();
        check(unsafe { event_wait(address, stamp, ms) })
    }

    pub fn set(&self) -> Result<(), Error> {
        let (address, stamp) = self.0.handle();
        check(unsafe { event_set(address, stamp) })
    }

    pub fn clear(&self) -> Result<(), Error> {
        let (address, stamp) = self.0.handle();
        check(unsafe { event_clear(address, stamp) })
    }
}
