import { makeAutoObservable, observable } from 'mobx';
import { check, make } from './check.js';

const made = make();
await check(made, observable(made));
await check(made, Object.fromEntries(observable.map(made)));
class Store {
  all = made;
  constructor() {
    makeAutoObservable(this);
  }
}
await check(made, new Store().all);
