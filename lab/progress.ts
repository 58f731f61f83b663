/** Long work says how far it is, to whoever wants to know. */
export interface Progress {
  update(done: number, total: number, what: string): void;
  end(): void;
}

export const silent: Progress = { update: () => undefined, end: () => undefined };
