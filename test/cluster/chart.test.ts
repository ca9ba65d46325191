/** The chart as Helm reads it: sound, in line with manifests/install.yaml, and as narrow as it says with other values. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { chartPath, renderInstall } from "../../charts/render.ts";
import { installed, read } from "../support/installed.ts";

const helm = process.env["HANDOVER_HELM"] ?? "helm";
const run = promisify(execFile);
const options = { maxBuffer: 16 * 1024 * 1024 };

/** Objects of the chart, hooks included. */
async function render(...values: readonly string[]) {
  const sets = values.flatMap((value) => ["--set", value]);
  const { stdout } = await run(helm, ["template", "handover", chartPath, "--namespace", "tools", ...sets], options);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}
const refusal = (...values: readonly string[]): Promise<string> =>
  render(...values).then(
    () => "",
    (error: unknown) => String(error),
  );

describe("chart", () => {
  test("helm lint --strict finds nothing", async () => {
    const { stdout } = await run(helm, ["lint", "--strict", chartPath]);
    expect(stdout).toContain("0 chart(s) failed");
  });

  test("manifests/install.yaml is what `make generate` renders", () => {
    expect(read("manifests/install.yaml")).toBe(renderInstall(helm));
  });

  test.each([
    ["replica=2", "replica"],
    ["image.tga=1", "tga"],
    ["logLevel=loud", "logLevel"],
    ["replicas=two", "replicas"],
    ["watchNamespace=Shop", "watchNamespace"],
    ["image.digest=sha256:1", "digest"],
    ["service.port=0", "port"],
  ])("refuses --set %s and names %s", async (value, name) => {
    expect(await refusal(value)).toContain(name);
  });

  test("takes what a parent chart sets", async () => {
    expect(await refusal("global.imageRegistry=registry.example.org")).toBe("");
  });

  test("with a watchNamespace the controller has no right outside of it, but for the election at home", async () => {
    const objects = await render("watchNamespace=shop");
    const bound = objects.filter(({ kind }) => kind.endsWith("RoleBinding"));
    expect(bound.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`).toSorted()).toEqual([
      "RoleBinding shop/handover",
      "RoleBinding shop/handover-give-back",
      "RoleBinding tools/handover-election",
      "RoleBinding tools/handover-give-back-takeover",
    ]);
    const role = objects.find(({ kind, metadata }) => kind === "Role" && metadata.name === "handover");
    expect(role.rules).toEqual(installed("ClusterRole", "handover").rules);
  });

  test("the Job that gives back may do less than the controller, and stop nothing but the controller", async () => {
    interface Rule {
      readonly apiGroups: readonly string[];
      readonly resources: readonly string[];
      readonly verbs: readonly string[];
    }
    const flat = (rules: readonly Rule[]): readonly string[] =>
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${apiGroups.join(",")}/${resource}`)),
      );
    const objects = await render();
    const find = (kind: string, name: string) =>
      objects.find((object) => object.kind === kind && object.metadata.name === name);
    const all = new Set(flat(installed("ClusterRole", "handover").rules));
    expect(flat(find("ClusterRole", "handover-give-back").rules).filter((right) => !all.has(right))).toEqual([]);
    const home = find("Role", "handover-give-back-takeover").rules;
    const named = home.filter((rule: { readonly resourceNames?: unknown }) => rule.resourceNames === undefined);
    expect(flat(named)).toEqual(["create coordination.k8s.io/leases"]);
    const job = find("Job", "handover-give-back");
    expect(job.metadata.annotations["helm.sh/hook"]).toBe("pre-delete");
    expect(job.spec.template.spec.containers[0].args).toEqual(["give-back"]);
    expect(job.spec.activeDeadlineSeconds).toBeLessThan(300);
  });

  test("several replicas are spread, a digest wins over the tag, and what is switched off is not there", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const off = ["service.enabled=false", "crds.install=false", "giveBack.enabled=false", "rbac.aggregate=false"];
    const objects = await render("replicas=2", `image.digest=${digest}`, ...off);
    expect(objects.map(({ kind }) => kind)).not.toEqual(expect.arrayContaining(["Service"]));
    expect(objects.filter(({ kind }) => /^(CustomResourceDefinition|Job|Pod)$/.test(kind))).toEqual([]);
    const { spec } = objects.find(({ kind }) => kind === "Deployment").spec.template;
    expect(spec.topologySpreadConstraints).toHaveLength(1);
    expect(spec.containers[0].image).toMatch(new RegExp(`@${digest}$`));
    expect(JSON.stringify(objects)).not.toContain("aggregate-to");
  });
});
