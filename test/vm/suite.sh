#!/bin/bash
# The conformance suite for one backend. What is not proven is no failure here: the verdicts are judged by contract-suite.ts.
set -eu
read -r backend module part </run/host/files/backend
modprobe "$module"
mount -t tmpfs tmpfs /tmp
# Code is read faster from the disk than from the shared folder, and there are several processes.
cp -r /run/host/files/suite /usr/lib/suite
cd /
ROOTS_TEST_ACTOR=/usr/lib/suite/actor.mjs node --jitless --no-expose-wasm /usr/lib/suite/suite.mjs "$backend" /dev/vdb /run/host/results/verdicts "$part"
