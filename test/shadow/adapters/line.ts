/**
 * The network between a tool and the host: real sockets, which a test cuts, or on which it keeps
 * the host's answers back. What a slow line loses is the answer alone: the host got the request.
 */

import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Line {
  readonly url: string;
  mood: "well" | "down" | "slow";
  /** How many answers were kept back. */
  readonly lost: () => number;
  readonly close: () => void;
}

/** @param hostUrl asked at every connection: a host that was started again has another port */
export async function lineTo(hostUrl: () => string): Promise<Line> {
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((tool) => {
    const host = connect(Number(new URL(hostUrl()).port), "127.0.0.1");
    for (const socket of [tool, host]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => [tool, host].forEach((one) => one.destroy()));
      socket.on("close", () => sockets.delete(socket));
    }
    tool.on("data", (part) => {
      if (line.mood === "down") tool.destroy();
      else host.write(part);
    });
    host.on("data", (part) => {
      if (line.mood === "slow") lost++;
      else tool.write(part);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const line: Line = {
    url: `http://127.0.0.1:${port}`,
    mood: "well",
    lost: () => lost,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return line;
}
