#!/bin/sh
# Compiles a C program for threads that share its memory, by clang and lld (Debian: apt-get install clang lld).
#   sh examples/wasm/build.sh agency.c agency.wasm
set -eu
here=$(dirname "$0")
# The arena lies below the program's data, from 1,024 to 65,536.
exec "${CC:-clang}" --target=wasm32 -O2 -nostdlib -matomics -mbulk-memory -mmutable-globals \
  -Wall -Wextra -Wconversion -Werror -I "$here/../../include" \
  -Wl,--import-memory,--shared-memory,--max-memory=16777216,--global-base=65536 \
  -Wl,--no-entry,--export-dynamic,--export=__stack_pointer \
  -fvisibility=default "$1" -o "$2"
