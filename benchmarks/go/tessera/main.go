// Command tessera serves a Tessera log on POSIX files, as its own conformance program does: POST /add takes an entry and
// answers its index once the entry is durable. It checks neither signatures nor rules.
//
//	tessera -data FOLDER -listen 127.0.0.1:2025
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	data := flag.String("data", "", "the folder of the log")
	listen := flag.String("listen", "127.0.0.1:2025", "address and port")
	size := flag.Uint("batch", tessera.DefaultBatchMaxSize, "entries in a batch")
	age := flag.Duration("age", time.Millisecond, "how long a batch waits for more entries")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	key, _, err := note.GenerateKey(nil, "bench.test/tessera")
	must(err)
	signer, err := note.NewSigner(key)
	must(err)
	// The log outlives the signal: shutting it down publishes what was added.
	driver, err := posix.New(context.Background(), posix.Config{Path: *data})
	must(err)
	appender, shutdown, _, err := tessera.NewAppender(context.Background(), driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(time.Second).
		WithBatching(*size, *age))
	must(err)

	http.HandleFunc("POST /add", func(w http.ResponseWriter, r *http.Request) {
		entry, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		index, err := appender.Add(r.Context(), tessera.NewEntry(entry))()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%d", index.Index)
	})
	http.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	_ = shutdown(context.Background())
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
