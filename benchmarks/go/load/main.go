// Command load posts bodies from many clients at once, each waiting for its answer before it posts the next, and says how
// long that took.
//
//	load -url http://127.0.0.1:8000/entries -clients 256 -type application/cbor BODIES
//	{"posted": 4000, "seconds": 0.9, "p50": 0.041, "p99": 0.058}
//
// BODIES is a file of bodies, each behind its length in four bytes, big-endian. An answer that is not 2xx ends it.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	url := flag.String("url", "", "where to post")
	clients := flag.Int("clients", 256, "how many at once")
	contentType := flag.String("type", "application/octet-stream", "of the bodies")
	flag.Parse()
	data, err := os.ReadFile(flag.Arg(0))
	must(err)
	var bodies [][]byte
	for len(data) > 0 {
		end := 4 + binary.BigEndian.Uint32(data)
		bodies = append(bodies, data[4:end])
		data = data[end:]
	}
	client := &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: *clients, DisableCompression: true},
		Timeout:   time.Minute,
	}
	times := make([]float64, len(bodies))
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range *clients {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) {
					return
				}
				begun := time.Now()
				answer, err := client.Post(*url, *contentType, bytes.NewReader(bodies[i]))
				must(err)
				said, err := io.ReadAll(answer.Body)
				must(err)
				must(answer.Body.Close())
				if answer.StatusCode/100 != 2 {
					log.Fatalf("%s: %s", answer.Status, said)
				}
				times[i] = time.Since(begun).Seconds()
			}
		}()
	}
	group.Wait()
	seconds := time.Since(start).Seconds()
	slices.Sort(times)
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"posted": len(bodies), "seconds": seconds,
		"p50": times[len(times)/2], "p99": times[len(times)*99/100],
	}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
