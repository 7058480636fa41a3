# What one does with Stint. "make run" and "make test" are all that is needed.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X stint/internal/cli.version=$(VERSION)
PLATFORMS := linux/amd64 linux/arm64 linux/arm/7 darwin/amd64 darwin/arm64
TOOL := go tool -modfile=tools/go.mod

.PHONY: run build test check bench build-all needs clean

run: build # build and start the server on 127.0.0.1:8000
	exec bin/stint serve

build: # the program, in bin/
	go build -ldflags '$(LDFLAGS)' -o bin/stint .

test: needs # every test, on SQLite, PostgreSQL and in a browser
	$(TOOL) gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- -timeout 15m ./...

check: needs # form, vet, staticcheck, modules, and every test under the race detector
	@unformed=$$(gofmt -l .); test -z "$$unformed" || { echo "gofmt: $$unformed"; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	go mod tidy -diff
	$(TOOL) gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- -race -timeout 18m ./...

bench: # the table of docs/performance.md
	go run ./bench

build-all: # a static program for each platform, in dist/
	@set -eu; for p in $(PLATFORMS); do \
		set -- $$(echo $$p | tr / ' '); \
		out=dist/stint-$$1-$$2$${3:+v$$3}; echo $$out; \
		CGO_ENABLED=0 GOOS=$$1 GOARCH=$$2 GOARM=$${3:-} go build -trimpath -ldflags '$(LDFLAGS)' -o $$out .; \
	done

needs: # what the tests need beside Go
	@tools/needs

clean:
	rm -rf bin dist
