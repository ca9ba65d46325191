# The few commands of the project; `make help` lists them.
SHELL := /bin/sh
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.cluster/bin:$(PATH)
BED := node test/cluster/bed/cli.ts
TAG ?= handover/handover:dev
NAME ?= handover-dev
SIZE ?= full

.PHONY: help demo demo-down test test-planted test-mutation lint generate cluster-up cluster-down image bench

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: node_modules ## the main job on a real cluster, from nothing to a restored application
	node demo/demo.ts up

demo-down: node_modules ## removes the demo's cluster
	node demo/demo.ts down

test: node_modules ## every test, on a cluster of its own
	node test/run.ts

test-mutation: node_modules ## breaks the code on purpose: does a test notice?
	node test/mutation/run.ts

test-planted: node_modules ## plants bugs, one after the other, and expects a named test to catch each
	node test/planted/run.ts

lint: node_modules ## types, lint, format
	npm run --silent check

generate: node_modules ## types from the CRDs, the chart's copies, manifests/install.yaml, the reference
	npm run --silent generate

cluster-up: node_modules ## a real Kubernetes on this machine (NAME=...)
	$(BED) up --name $(NAME)

cluster-down: node_modules ## removes it without a trace
	$(BED) down --name $(NAME)

image: node_modules ## the image of controller and mover (TAG=...)
	npm run --silent bundle
	$(BED) image --dockerfile Dockerfile --context . --tag $(TAG)

bench: node_modules ## ratios to other tools, and figures of the freeze; long (SIZE=small for a first look)
	node bench/data-path.ts --size $(SIZE)
	node bench/freeze.ts

# Quiet, and repeated only when the lock changes.
node_modules: package.json package-lock.json
	@echo "installing npm packages"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch node_modules
