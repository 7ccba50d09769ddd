// Package chart makes the files of a Helm chart of any size, as people write
// charts, for what renders it over and over or compares what it comes to. It
// renders nothing itself.
package chart

import (
	"fmt"
	"strings"
)

// PerComponent is how many objects the chart makes for each component.
const PerComponent = 4

// Files are those of a chart with so many components: named templates, and loops
// over values. All its objects have the labels (KEY: VALUE, …).
func Files(name, labels string, components int) map[string]string {
	var values strings.Builder
	fmt.Fprintf(&values, "image: {registry: registry.example.com/shop}\nlabels: {%s}\ncomponents:\n", labels)
	for i := range components {
		fmt.Fprintf(&values, "- {name: part-%02d, port: %d, replicas: 0, resources: {limits: {memory: 128Mi}}, config: {url: 'http://{{ .Release.Name }}:80', level: info, n: 1500000}}\n", i, 8000+i)
	}
	return map[string]string{
		"Chart.yaml":                "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\nappVersion: 1.4.2\n",
		"values.yaml":               values.String(),
		"templates/_names.tpl":      names,
		"templates/deployment.yaml": deployment,
		"templates/parts.yaml":      parts,
		"files/motd.txt":            "Welcome\n\tto {{ the shop }}\n",
	}
}

const names = `{{/* names }} and labels */}}
{{- define "it.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "it.full" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "it.name" . }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}
{{- define "it.selector" -}}
app.kubernetes.io/name: {{ include "it.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "it.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "it.selector" . }}
{{- with .Values.labels }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}
`

const deployment = `{{- $root := . -}}
{{- range $i, $c := .Values.components }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "it.full" $root }}-{{ $c.name }}
  labels:
    {{- include "it.labels" $root | nindent 4 }}
spec:
  {{- if not $c.autoscaling }}
  replicas: {{ $c.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "it.selector" $root | nindent 6 }}
      component: {{ $c.name }}
  template:
    metadata:
      annotations:
        checksum/config: {{ toYaml $c.config | sha256sum }}
      labels:
        {{- include "it.selector" $root | nindent 8 }}
        component: {{ $c.name }}
    spec:
      serviceAccountName: {{ include "it.full" $root }}-{{ $c.name }}
      containers:
      - name: {{ $c.name }}
        image: "{{ $root.Values.image.registry }}/{{ $c.name }}:{{ $c.tag | default $root.Chart.AppVersion }}"
        ports: [{name: http, containerPort: {{ int $c.port }}}]
        {{- with $c.resources }}
        resources:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        env:
        {{- range $k, $v := $c.config }}
        - {name: {{ $k | upper | quote }}, value: {{ tpl (toString $v) $root | quote }}}
        {{- end }}
{{ end }}
`

const parts = `{{- range .Values.components }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "it.full" $ }}-{{ .name }}
  labels: {{- include "it.labels" $ | nindent 4 }}
spec:
  ports: [{name: http, port: 80, targetPort: http}]
  selector:
    {{- include "it.selector" $ | nindent 4 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "it.full" $ }}-{{ .name }}
  labels: {{- include "it.labels" $ | nindent 4 }}
data:
  config.yaml: |-
    {{- .config | toYaml | nindent 4 }}
  file: {{ $.Files.Get "files/motd.txt" | quote }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ template "it.full" $ }}-{{ .name }}
  labels: {{- include "it.labels" $ | nindent 4 }}
{{- end }}
`
