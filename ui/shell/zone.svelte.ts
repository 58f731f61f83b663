/** Whose clock the page shows. It is a setting of the address, and it is always said. */

import { address } from "./address.svelte.ts";

export type ZoneChoice = "reader" | "service" | "utc";

const READER = Intl.DateTimeFormat().resolvedOptions().timeZone;

class Zone {
  get choice(): ZoneChoice {
    const told = address.one("zone");
    return told === "service" || told === "utc" ? told : "reader";
  }

  choose(choice: ZoneChoice): void {
    address.change({ zone: choice === "reader" ? null : choice });
  }

  /** The IANA name for something of a service in that zone. */
  of(timezone: string): string {
    if (this.choice === "utc") return "UTC";
    return this.choice === "service" ? timezone : READER;
  }

  /** "your time (Europe/Berlin)". */
  words(timezone: string): string {
    if (this.choice === "utc") return "UTC";
    if (this.choice === "service") return `the service's time (${timezone})`;
    return `your time (${READER})`;
  }
}

export const zone = new Zone();
export const READER_ZONE = READER;
