#!/bin/sh
# Runs each fuzz target for SECONDS (60 where none are given), with the address sanitizer. It needs cargo and a C++
# compiler, no nightly: RUSTC_BOOTSTRAP lets the stable compiler take the sanitizer's flag. What is found is left in
# artifacts/. `cargo +nightly fuzz run TARGET` does the same by hand.
#
#     ledger/native/fuzz/run.sh [SECONDS [TARGET …]]
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTC_BOOTSTRAP=1
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
 -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS="--cfg fuzzing --cfg curve25519_dalek_backend=\"avx512\" -Zsanitizer=address $(echo $coverage)" \
	cargo build --quiet --release --locked --target "$host" --target-dir target
for target in ${@:-decode hashes map proof signatures}; do
	mkdir -p "artifacts/$target" "target/corpus/$target"
	# New inputs go into the first folder; the seeds are read only.
	"target/$host/release/$target" "target/corpus/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 2>"target/$target.log" ||
		{ tail -40 "target/$target.log"; echo "$target: a fault, see artifacts/$target"; exit 1; }
	sed -n 's/^stat::number_of_executed_units: */'"$target"': runs /p' "target/$target.log"
done
