"""Python's own threading: reads lines "WINDOW TASK" (ms), answers each with a line of JSON."""

import asyncio
import json
import platform
import resource
import statistics
import sys
import threading
import time
import types

BATCH = 1000


def pairs(lock, window):
    """The median of batches, as tinybench has it."""
    batches = []
    end = time.perf_counter_ns() + window * 1e6
    while time.perf_counter_ns() < end:
        start = time.perf_counter_ns()
        for _ in range(BATCH):
            lock.acquire()
            lock.release()
        batches.append(time.perf_counter_ns() - start)
    return statistics.median(batches) / BATCH


def uncontended(lock):
    # Each its own copy of the loop: the interpreter, too, adapts code to the calls it has seen there.
    own = types.FunctionType(pairs.__code__.replace(), globals())
    return lambda window: {"ns": own(lock, window)}


def sleeps():
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def handoff(window):
    """Two threads let each other go on in turns."""
    mine, yours = threading.Event(), threading.Event()
    ready = threading.Barrier(2)
    stop = over = False
    handoffs = ns = 0

    # Has the ball at first, and says before its last pass that it is the last.
    def serve():
        nonlocal over, handoffs, ns
        ready.wait()
        start = time.perf_counter_ns()
        while not over:
            over = stop
            yours.set()
            mine.wait()
            mine.clear()
            handoffs += 2
        ns = (time.perf_counter_ns() - start) / handoffs

    def answer():
        last = False
        ready.wait()
        while not last:
            yours.wait()
            yours.clear()
            last = over
            mine.set()

    threads = [threading.Thread(target=part) for part in (serve, answer)]
    before = sleeps()
    for thread in threads:
        thread.start()
    time.sleep(window / 1e3)
    stop = True
    for thread in threads:
        thread.join()
    return {"ns": ns, "more": {"sleeps": (sleeps() - before) / handoffs}}


async def crowd(window, tasks, places):
    """Again and again so many tasks, each of which comes in once."""
    semaphore = asyncio.Semaphore(places)
    now = most = turns = 0

    async def enter():
        nonlocal now, most
        async with semaphore:
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    cpu, start = time.thread_time_ns(), time.perf_counter_ns()
    while (ns := time.perf_counter_ns() - start) < window * 1e6:
        await asyncio.gather(*(enter() for _ in range(tasks)))
        turns += tasks
    if most != places:
        sys.exit(f"{most} tasks were inside at once, not {places}")
    return {"ns": ns / turns, "more": {"CPU": (time.thread_time_ns() - cpu) / turns}}


def permits(window, tasks, places):
    return asyncio.run(crowd(window, tasks, places))


TASKS = {
    "lock": uncontended(threading.Lock()),
    "rlock": uncontended(threading.RLock()),
    "semaphore": uncontended(threading.Semaphore()),
    "handoff": handoff,
    "permits": permits,
}


def say(what):
    print(json.dumps(what), flush=True)


say({"version": f"{platform.python_implementation()} {platform.python_version()}"})
for line in sys.stdin:
    window, task, *args = line.split()
    say(TASKS[task](float(window), *map(int, args)))
