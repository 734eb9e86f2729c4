// Reads what we write with golang.org/x/mod/sumdb: a checkpoint, the tiles of its tree, and proofs.
//
// In the directory that it is given are checkpoint, vkey, tile/…, and proofs.json. It prints nothing and ends with 0
// when everything holds.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofs struct {
	Leaves    []tlog.Hash
	Inclusion []struct {
		Index int64
		Proof tlog.RecordProof
	}
	Consistency []struct {
		First int64
		Root  tlog.Hash
		Proof tlog.TreeProof
	}
}

type tiles struct{ directory string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		// Ours leave the height out of the path, as c2sp.org/tlog-tiles does.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		content, err := os.ReadFile(filepath.Join(t.directory, path))
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	directory := os.Args[1]
	file := func(name string) []byte { return must(os.ReadFile(filepath.Join(directory, name))) }
	verifier := must(note.NewVerifier(string(file("vkey"))))
	opened := must(note.Open(file("checkpoint"), note.VerifierList(verifier)))
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		log.Fatalf("not the lines of a checkpoint: %q", lines)
	}
	tree := tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: must(tlog.ParseHash(lines[2]))}
	var given proofs
	if err := json.Unmarshal(file("proofs.json"), &given); err != nil {
		log.Fatal(err)
	}
	reader := tlog.TileHashReader(tree, tiles{directory})
	for index, leaf := range given.Leaves[:300] {
		// The reader checks each tile against the tree's root.
		read := must(reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(index))}))
		if read[0] != leaf {
			log.Fatalf("another leaf %d", index)
		}
	}
	for _, one := range given.Inclusion {
		if err := tlog.CheckRecord(one.Proof, tree.N, tree.Hash, one.Index, given.Leaves[one.Index]); err != nil {
			log.Fatalf("leaf %d: %v", one.Index, err)
		}
		if made := must(tlog.ProveRecord(tree.N, one.Index, reader)); fmt.Sprint(made) != fmt.Sprint(one.Proof) {
			log.Fatalf("leaf %d: another proof", one.Index)
		}
	}
	for _, one := range given.Consistency {
		if err := tlog.CheckTree(one.Proof, tree.N, tree.Hash, one.First, one.Root); err != nil {
			log.Fatalf("first %d leaves: %v", one.First, err)
		}
		if made := must(tlog.ProveTree(tree.N, one.First, reader)); fmt.Sprint(made) != fmt.Sprint(one.Proof) {
			log.Fatalf("first %d leaves: another proof", one.First)
		}
	}
}
