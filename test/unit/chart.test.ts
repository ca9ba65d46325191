/** What the chart installs with its defaults, without a cluster. */
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { renderCrds } from "../../charts/render.ts";
import { readConfig } from "../../operator/config.ts";
import { version } from "../../operator/version.ts";
import { installed, read } from "../support/installed.ts";

describe("controller", () => {
  const { spec } = installed("Deployment", "handover").spec.template;
  const [container] = spec.containers;

  test("its environment is understood as a whole", () => {
    const given: readonly { readonly name: string; readonly value?: string }[] = container.env;
    const result = readConfig(Object.fromEntries(given.map(({ name, value }) => [name, value ?? "handover-0"])));
    expect(result).toMatchObject({
      config: {
        unknownVariables: [],
        image: container.image,
        watchNamespace: undefined,
        leaseName: "handover-controller",
      },
    });
  });

  test("fits into a namespace that enforces the restricted standard", () => {
    expect(installed("Namespace", "handover-system").metadata.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "restricted",
    });
    expect(spec.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(spec.volumes).toBeUndefined();
  });

  test("its probes and its Service ask where it listens", () => {
    expect(container.ports).toEqual([{ name: "http", containerPort: 8080 }]);
    expect(container.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "http" });
    expect(container.livenessProbe.httpGet).toEqual({ path: "/healthz", port: "http" });
    const { selector, ports } = installed("Service", "handover").spec;
    expect(ports).toEqual([{ name: "http", port: 8080, targetPort: "http" }]);
    expect(installed("Deployment", "handover").spec.template.metadata.labels).toMatchObject(selector);
    expect(selector["app.kubernetes.io/component"]).toBe("controller");
  });
});

describe("derived files", () => {
  test.each([...renderCrds()])("%s is what `make generate` writes", (path, text) => {
    expect(read(path)).toBe(text);
  });

  test("the installed kinds are those of crds/, and Helm keeps them", () => {
    for (const plural of ["backuppolicies", "backupruns", "restorerequests"]) {
      const source = parse(read(`crds/${plural}.yaml`));
      const { metadata: of, ...rest } = installed("CustomResourceDefinition", source.metadata.name);
      expect(rest).toEqual({ apiVersion: source.apiVersion, kind: source.kind, spec: source.spec });
      expect(of.annotations).toEqual({ "helm.sh/resource-policy": "keep" });
    }
  });

  test("one version everywhere", () => {
    const chart = parse(read("charts/handover/Chart.yaml"));
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
    expect(JSON.parse(read("package.json")).version).toBe(version);
  });
});

describe("values", () => {
  interface Schema {
    readonly type?: string;
    readonly additionalProperties?: unknown;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly definitions?: Readonly<Record<string, Schema>>;
  }
  const schema: Schema = JSON.parse(read("charts/handover/values.schema.json"));
  const values = parse(read("charts/handover/values.yaml"));

  test("the schema knows every value and nothing else, but for what a parent chart adds", () => {
    const names = (of: Schema): readonly string[] => Object.keys(of.properties ?? {}).toSorted();
    expect(names(schema)).toEqual([...Object.keys(values), "global"].toSorted());
    const parts = Object.entries(schema.properties ?? {}).filter(([, part]) => part.properties !== undefined);
    expect(parts.filter(([, part]) => part.additionalProperties !== false)).toEqual([]);
    for (const [name, part] of parts.filter(([of]) => of !== "resources"))
      expect([name, names(part)]).toEqual([name, Object.keys(values[name]).toSorted()]);
    expect(schema.additionalProperties).toBe(false);
  });
});
