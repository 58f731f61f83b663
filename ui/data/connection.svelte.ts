/** Does the server answer? While it does not, reads are repeated and the page keeps its numbers. */

class Connection {
  isLost = $state(false);
}

export const connection = new Connection();
