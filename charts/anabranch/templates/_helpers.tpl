{{- define "anabranch.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "anabranch.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- $name := include "anabranch.name" . }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The name is fixed: network policies of fleets let the operator reach their state stores by it. */}}
{{- define "anabranch.selectorLabels" -}}
app.kubernetes.io/name: anabranch-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "anabranch.labels" -}}
{{ include "anabranch.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: anabranch
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* "true" if the operators issue the certificate of the webhook themselves. */}}
{{- define "anabranch.issues" -}}
{{- and .Values.webhook.enabled (empty .Values.webhook.certManager.issuerRef) }}
{{- end }}

{{- define "anabranch.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "anabranch.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* include "anabranch.image" (list . "router") */}}
{{- define "anabranch.image" -}}
{{- $root := index . 0 }}
{{- $what := index . 1 }}
{{- $name := ternary "anabranch" (printf "anabranch-%s" $what) (eq $what "cli") }}
{{- $place := $root.Values.image.registry | trimSuffix "/" }}
{{- $default := printf "%s:%s" (ternary (printf "%s/%s" $place $name) $name (ne $place "")) (default $root.Chart.AppVersion $root.Values.image.tag) }}
{{- default $default (get $root.Values.images $what) }}
{{- end }}
