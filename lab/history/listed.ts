/**
 * Lists whose items are made when they are asked for.
 *
 * A history of years holds deployments by the hundred thousand. As objects each takes some
 * hundred bytes, and V8 lets garbage grow to several times what lives on its heap; as columns
 * each takes a few bytes outside of it. A list of this kind hands out objects all the same, and
 * an array is one too.
 */

/** What an array and a list that is made on the way have in common. */
export interface Listed<Item> extends Iterable<Item> {
  readonly length: number;
  at(place: number): Item | undefined;
  map<Made>(make: (item: Item, place: number) => Made): Made[];
  filter(is: (item: Item, place: number) => boolean): Item[];
  flatMap<Made>(make: (item: Item, place: number) => Made | readonly Made[]): Made[];
  find(is: (item: Item, place: number) => boolean): Item | undefined;
  some(is: (item: Item, place: number) => boolean): boolean;
  forEach(take: (item: Item, place: number) => void): void;
  keys(): IterableIterator<number>;
  entries(): IterableIterator<[number, Item]>;
}

/** Whoever works on some items comes back to them: so many of the last ones are not made anew. */
const REMEMBERED = 1021;

/**
 * Items by their place, each made whenever it is asked for: two of one place are equal, and
 * not always the same object.
 */
export function listed<Item>(length: number, make: (place: number) => Item): Listed<Item> {
  return new MadeAsAsked(length, make);
}

class MadeAsAsked<Item> implements Listed<Item> {
  readonly #last: (Item | undefined)[] = new Array<undefined>(REMEMBERED).fill(undefined);
  readonly #places = new Int32Array(REMEMBERED).fill(-1);

  readonly #make: (place: number) => Item;

  constructor(
    readonly length: number,
    make: (place: number) => Item,
  ) {
    this.#make = make;
  }

  at(place: number): Item | undefined {
    if (place < 0 || place >= this.length) return undefined;
    const slot = place % REMEMBERED;
    if (this.#places[slot] === place) return this.#last[slot];
    const made = this.#make(place);
    this.#places[slot] = place;
    this.#last[slot] = made;
    return made;
  }

  map<Made>(make: (item: Item, place: number) => Made): Made[] {
    const made: Made[] = [];
    for (let place = 0; place < this.length; place++) made.push(make(this.at(place)!, place));
    return made;
  }

  filter(is: (item: Item, place: number) => boolean): Item[] {
    const kept: Item[] = [];
    this.forEach((item, place) => {
      if (is(item, place)) kept.push(item);
    });
    return kept;
  }

  flatMap<Made>(make: (item: Item, place: number) => Made | readonly Made[]): Made[] {
    return this.map(make).flat() as Made[];
  }

  find(is: (item: Item, place: number) => boolean): Item | undefined {
    for (const [place, item] of this.entries()) if (is(item, place)) return item;
    return undefined;
  }

  some(is: (item: Item, place: number) => boolean): boolean {
    for (const [place, item] of this.entries()) if (is(item, place)) return true;
    return false;
  }

  forEach(take: (item: Item, place: number) => void): void {
    for (let place = 0; place < this.length; place++) take(this.at(place)!, place);
  }

  *keys(): Generator<number, undefined> {
    for (let place = 0; place < this.length; place++) yield place;
  }

  *entries(): Generator<[number, Item], undefined> {
    for (let place = 0; place < this.length; place++) yield [place, this.at(place)!];
  }

  *[Symbol.iterator](): Generator<Item, undefined> {
    for (let place = 0; place < this.length; place++) yield this.at(place)!;
  }
}
