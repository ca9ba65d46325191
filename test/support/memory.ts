/** Where thousands of small files that have to be durable cost nothing: in memory, where there is room. */
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

export const inMemory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
