// Command tree computes the RFC 9162 root over entries of 100 bytes with each of Go's peers, and says how long each took.
//
//	tree -leaves 1000000 -rounds 3
//	{"root": "…", "seconds": {"transparency-dev/merkle": 0.378, …}, "versions": {"go": "go1.25.0", …}}
//
// Entry i is the four bytes of i, big-endian, 25 times: what benchmarks/test_core.py hashes. All peers must come to one
// root.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	simd "github.com/minio/sha256-simd"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

var factory = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

func entries(count int) [][]byte {
	all := make([][]byte, count)
	for i := range all {
		all[i] = bytes.Repeat(binary.BigEndian.AppendUint32(nil, uint32(i)), 25)
	}
	return all
}

func rangeOf(begin int, data [][]byte) *compact.Range {
	found := factory.NewEmptyRange(uint64(begin))
	for _, entry := range data {
		must(found.Append(rfc6962.DefaultHasher.HashLeaf(entry), nil))
	}
	return found
}

func merkle(data [][]byte) []byte {
	root, err := rangeOf(0, data).GetRootHash(nil)
	must(err)
	return root
}

// merkleOnAllCores appends one compact range a core and joins them.
func merkleOnAllCores(data [][]byte) []byte {
	cores := runtime.NumCPU()
	ranges := make([]*compact.Range, cores)
	var group sync.WaitGroup
	for i := range cores {
		group.Add(1)
		go func() {
			defer group.Done()
			begin, end := len(data)*i/cores, len(data)*(i+1)/cores
			ranges[i] = rangeOf(begin, data[begin:end])
		}()
	}
	group.Wait()
	for _, one := range ranges[1:] {
		must(ranges[0].AppendRange(one, nil))
	}
	root, err := ranges[0].GetRootHash(nil)
	must(err)
	return root
}

func sumdb(data [][]byte) []byte {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for i, entry := range data {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		must(err)
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(data)), reader)
	must(err)
	return root[:]
}

// loop hashes level by level with one-shot SHA-256: what a hash function by itself can do.
func loop(sum func([]byte) [32]byte) func([][]byte) []byte {
	return func(data [][]byte) []byte {
		row := make([][32]byte, len(data))
		buffer := make([]byte, 0, 128)
		for i, entry := range data {
			row[i] = sum(append(append(buffer[:0], 0), entry...))
		}
		for len(row) > 1 {
			for i := range len(row) / 2 {
				row[i] = sum(append(append(append(buffer[:0], 1), row[2*i][:]...), row[2*i+1][:]...))
			}
			if len(row)%2 == 1 {
				row[len(row)/2] = row[len(row)-1]
			}
			row = row[:(len(row)+1)/2]
		}
		return row[0][:]
	}
}

func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		found[module.Path] = module.Version
	}
	return found
}

func main() {
	leaves := flag.Int("leaves", 1_000_000, "how many leaves")
	rounds := flag.Int("rounds", 3, "how often; the median counts")
	flag.Parse()
	data := entries(*leaves)
	peers := []struct {
		name string
		root func([][]byte) []byte
	}{
		{"transparency-dev/merkle", merkle},
		{fmt.Sprintf("transparency-dev/merkle, %d cores", runtime.NumCPU()), merkleOnAllCores},
		{"sumdb/tlog", sumdb},
		{"minio sha256-simd loop", loop(simd.Sum256)},
		{"Go crypto/sha256 loop", loop(sha256.Sum256)},
	}
	want := merkle(data)
	seconds := map[string]float64{}
	for _, peer := range peers {
		var times []float64
		for range *rounds {
			runtime.GC()
			start := time.Now()
			root := peer.root(data)
			times = append(times, time.Since(start).Seconds())
			if !bytes.Equal(root, want) {
				log.Fatalf("%s comes to another root: %x", peer.name, root)
			}
		}
		slices.Sort(times)
		seconds[peer.name] = times[len(times)/2]
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"root": hex.EncodeToString(want), "seconds": seconds, "versions": versions(),
	}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
