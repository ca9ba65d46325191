{{/*
Exactly the requests that the controller makes; test/unit/chart-rights.test.ts makes it make them and compares. No Secrets:
the kubelet mounts them into the Jobs. No pods are created, patched or entered.
*/}}
{{- define "handover.rules" -}}
- apiGroups: [backup.handover.dev]
  resources: [backuppolicies]
  verbs: [get, list, watch]
- apiGroups: [backup.handover.dev]
  resources: [backupruns]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [backup.handover.dev]
  resources: [restorerequests]
  verbs: [get, list, watch, patch]
- apiGroups: [backup.handover.dev]
  resources: [backuppolicies/status, backupruns/status, restorerequests/status]
  verbs: [update]
# Jobs are owned by their run and hold up its deletion. Some clusters (OpenShift for one) ask for this right before they allow it.
- apiGroups: [backup.handover.dev]
  resources: [backupruns/finalizers, restorerequests/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get]
- apiGroups: [apps]
  resources: [deployments/scale, statefulsets/scale]
  verbs: [get, update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# The guard of a stopped workload has an account and a role of its own. Kubernetes lets nobody create a role with rights that
# they do not have, so this can pass on the rights in this list, each for one object, and no other.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [create]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [create]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
# The quiesce records: what has to be given back, one Lease per stopped workload.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The part of it that gives applications back and can do nothing else. */}}
{{- define "handover.giveBackRules" -}}
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get]
- apiGroups: [apps]
  resources: [deployments/scale, statefulsets/scale]
  verbs: [update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list, create, update, delete]
- apiGroups: [backup.handover.dev]
  resources: [backupruns, restorerequests]
  verbs: [list, patch]
{{- end }}

{{/* In the namespace of the chart. A right to create cannot be limited to a name. */}}
{{- define "handover.electionRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "handover.lease" . }}]
  verbs: [get, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
