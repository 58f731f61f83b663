/**
 * Does the server answer? While it does not, reads are repeated and the page keeps its numbers,
 * in grey, until a server that was started again is ready to make them anew.
 */

class Connection {
  isLost = $state(false);
  /** A server that was started again answers, and still reads the history. */
  isReturning = $state(false);

  /** The numbers on the page are from before. */
  get isOld(): boolean {
    return this.isLost || this.isReturning;
  }
}

export const connection = new Connection();
