/** A column of a sortable table, and the order it brings. */

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** What it is sorted by, and what is shown where the table has no cell of its own. */
  readonly value: (row: Row) => string | number | null;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** `service` or, from the greatest down, `-service`. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: string,
): readonly Row[] {
  const down = order.startsWith("-");
  const column = columns.find(({ key }) => key === order.replace(/^-/, ""));
  if (column === undefined) return rows;
  return [...rows].sort((one, other) => {
    const [a, b] = [column.value(one), column.value(other)];
    // What is not known stands last, whichever way.
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    const ascending = a < b ? -1 : a > b ? 1 : 0;
    return down ? -ascending : ascending;
  });
}
