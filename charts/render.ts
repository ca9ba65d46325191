/**
 * Renders what is derived from the chart and from the CRDs: the CRDs as templates of the chart, and manifests/install.yaml.
 * Needs helm: the binary in HANDOVER_HELM, or `helm` on the path.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
export const chartPath = fileURLToPath(new URL("charts/handover/", root));
const namespace = "handover-system";
const kinds = ["backuppolicies", "backupruns", "restorerequests"];

/**
 * Helm installs the files of a `crds/` directory once and never upgrades them, so the kinds are ordinary templates. Helm keeps
 * them when it uninstalls: deleting a kind deletes every object of it.
 */
function toTemplate(plural: string, crd: string): string {
  const head = /^( *)name: .*\n/m;
  if (!head.test(crd) || crd.includes("annotations:\n    ")) throw new Error(`crds/${plural}.yaml: unexpected metadata`);
  const kept = crd
    .replaceAll("{{", '{{ "{{" }}')
    .replace(head, (line, indent: string) => `${line}${indent}annotations: { helm.sh/resource-policy: keep }\n`);
  return `{{/* Copied from crds/${plural}.yaml by \`make generate\`. Do not edit. */}}\n{{- if .Values.crds.install }}\n${kept.trimEnd()}\n{{- end }}\n`;
}

/** @returns the text of each template, by its path from the root of the repository. */
export function renderCrds(): ReadonlyMap<string, string> {
  return new Map(
    kinds.map((plural) => [
      `charts/handover/templates/crd-${plural}.yaml`,
      toTemplate(plural, readFileSync(new URL(`crds/${plural}.yaml`, root), "utf8")),
    ]),
  );
}

const preface = `# Handover without Helm: kubectl apply --server-side -f install.yaml
# Rendered from charts/handover by \`make generate\`. Do not edit.
#
# Before it is deleted, no run and no restore may be active (kubectl get brun,rreq -A: PHASE is Done everywhere): without the
# controller an application that a run has stopped comes back at the end of its budget only, by its guard, and the run keeps
# its finalizer. Deleting this whole file also deletes the kinds, and with them every policy and run, but never data in a
# store or sink.
---
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

/** @returns the text of manifests/install.yaml. @throws when helm cannot be run or refuses the chart. */
export function renderInstall(helm: string): string {
  const args = ["template", "handover", chartPath, "--namespace", namespace, "--no-hooks", "--skip-tests"];
  const rendered = execFileSync(helm, args, { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 });
  // What kubectl applies is not managed by Helm.
  return preface + rendered.replaceAll(/^ *app\.kubernetes\.io\/managed-by: Helm\n/gm, "");
}

if (import.meta.main) {
  for (const [path, text] of renderCrds()) writeFileSync(new URL(path, root), text);
  const helm = process.env["HANDOVER_HELM"] ?? "helm";
  try {
    writeFileSync(new URL("manifests/install.yaml", root), renderInstall(helm));
  } catch (error) {
    const next = "\nnext: set HANDOVER_HELM to a helm binary, for example .cluster/bin/helm after `make cluster-up`";
    const absent = error instanceof Error && "code" in error && error.code === "ENOENT";
    process.stderr.write(`manifests/install.yaml was not rendered: ${String(error)}${absent ? next : ""}\n`);
    process.exitCode = 1;
  }
}
