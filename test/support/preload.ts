import { afterAll } from "bun:test";
import { removeTemporaryFolders } from "./temporary-folder.ts";

// The last thing that a run does, after all files and whatever became of their tests; bun:test ends without "exit".
afterAll(removeTemporaryFolders);
