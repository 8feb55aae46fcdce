// The node side of benchmarks/peers/protocol.py: one JSON request a line, one JSON answer a line.

import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { randomUUID } from "node:crypto";

export async function serve(contestant) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    let answer;
    try {
      answer = await contestant[request.do](request);
    } catch (error) {
      answer = { error: `${error.name}: ${error.message}` };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  await contestant.close();
}

// Callers that each append again as soon as they were answered. The clock runs to the last answer.
export async function closedLoop(callers, batch, seconds, step) {
  let events = 0;
  const began = performance.now();
  const end = began + seconds * 1000;
  const caller = async (number) => {
    while (performance.now() < end) {
      await step(number);
      events += batch;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  return { events, seconds: (performance.now() - began) / 1000 };
}

export async function clocked(work) {
  const began = performance.now();
  const events = await work();
  return { events, seconds: (performance.now() - began) / 1000 };
}

// A category and a stream of its own for each append.
export const newStream = () => `post-${randomUUID()}`;

export const connection = ({ host, port, user, database }) => ({ host, port, user, database });
