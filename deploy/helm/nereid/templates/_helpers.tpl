{{- define "nereid.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "nereid.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "nereid.labels" -}}
{{ include "nereid.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "nereid.metadata" -}}
name: {{ include "nereid.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "nereid.labels" . | nindent 2 }}
{{- end }}

{{- /* Where probes need no certificate. */ -}}
{{- define "nereid.probePort" -}}
{{- if .Values.tls.secretName }}http-metrics{{ else }}http{{ end }}
{{- end }}

{{- define "nereid.graceSeconds" -}}
{{- with .Values.shutdown }}{{ add .preStopSeconds .delaySeconds .exitTimeoutSeconds 5 }}{{ end }}
{{- end }}
