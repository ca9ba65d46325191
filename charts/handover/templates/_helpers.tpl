{{/* At most 40 characters, so that the names made from it fit into 63. */}}
{{- define "handover.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Of the controller's pods, and of no other pod of the chart. */}}
{{- define "handover.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "handover.labels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "handover.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{/* Lease of the controllers' election. */}}
{{- define "handover.lease" -}}
{{ include "handover.fullname" . }}-controller
{{- end }}

{{/* What the controller and the give-back Job both need to know; operator/config.ts reads it. */}}
{{- define "handover.env" -}}
- {name: HANDOVER_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: HANDOVER_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: HANDOVER_POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
- {name: HANDOVER_WATCH_NAMESPACE, value: {{ .Values.watchNamespace | quote }}}
- {name: HANDOVER_IMAGE, value: {{ include "handover.image" . | quote }}}
- {name: HANDOVER_IMAGE_PULL_POLICY, value: {{ .Values.image.pullPolicy | quote }}}
- {name: HANDOVER_IMAGE_PULL_SECRETS, value: {{ join "," .Values.image.pullSecrets | quote }}}
- {name: HANDOVER_LEASE_NAME, value: {{ include "handover.lease" . | quote }}}
- {name: HANDOVER_LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
{{- end }}

{{/* Of every pod of the chart: fits into a namespace that enforces the restricted Pod Security standard. */}}
{{- define "handover.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- define "handover.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "handover.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . | quote }}}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* The role that holds the rights over applications: of one namespace when there is a watchNamespace, else of the cluster. */}}
{{- define "handover.scope" -}}
{{- if .Values.watchNamespace }}{{ else }}Cluster{{ end -}}
{{- end }}
