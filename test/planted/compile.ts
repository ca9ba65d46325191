/** Whether a planted bug still compiles. One that does not would be found by the compiler, and its test would fail for no reason. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export class Compiler {
  readonly #root: string;
  readonly #options: ts.CompilerOptions;
  readonly #files: readonly string[];
  /** As they are in the tree. */
  readonly #sources = new Map<string, ts.SourceFile | undefined>();
  #program: ts.Program | undefined;

  constructor(root: string) {
    this.#root = root;
    const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (path) => readFileSync(path, "utf8"));
    const { options, fileNames } = ts.parseJsonConfigFileContent({ ...config, include: ["operator"] }, ts.sys, root);
    this.#options = options;
    this.#files = fileNames;
  }

  /** @returns the first complaint about the file with this content; undefined when there is none. */
  complaint(file: string, content: string): string | undefined {
    if (!file.endsWith(".ts")) return undefined;
    const path = join(this.#root, file);
    const host = ts.createCompilerHost(this.#options);
    const changed = ts.createSourceFile(path, content, ts.ScriptTarget.ES2024, true);
    const fromDisk = host.getSourceFile.bind(host);
    host.getSourceFile = (name, how) => {
      if (name === path) return changed;
      if (!this.#sources.has(name)) this.#sources.set(name, fromDisk(name, how));
      return this.#sources.get(name);
    };
    // What has not changed is taken over from the last one.
    const program = ts.createProgram(this.#files, this.#options, host, this.#program);
    this.#program = program;
    const [first] = [...program.getSyntacticDiagnostics(changed), ...program.getSemanticDiagnostics(changed)];
    return first === undefined ? undefined : ts.flattenDiagnosticMessageText(first.messageText, " ");
  }

  read(file: string): string {
    return readFileSync(join(this.#root, file), "utf8");
  }
}
