#!/usr/bin/env bash
# Builds what the tests use from Go modules, at fixed versions, into a folder.
# Where there is no Go, or it cannot, the tests that need a tool say so and are skipped.
set -u
folder=$1
command -v go >/dev/null || exit 0
mkdir -p "$folder"
log=$(mktemp)

install() { # name module version
    GOBIN="$folder/making" go install "$2@$3" >"$log" 2>&1 || { tail -5 "$log"; return; }
    mv "$folder/making/$(basename "$2")" "$folder/$1"
}

install conformance github.com/opencontainers/distribution-spec/conformance v0.0.0-20260831232431-97274622c111
install crane github.com/google/go-containerregistry/cmd/crane v0.22.1
install oras oras.land/oras/cmd/oras v1.3.6
install cosign2 github.com/sigstore/cosign/v2/cmd/cosign v2.6.5
install cosign3 github.com/sigstore/cosign/v3/cmd/cosign v3.1.3
rm -rf "$folder/making" "$log"
