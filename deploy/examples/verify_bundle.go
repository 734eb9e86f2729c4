// Verifies a bundle (docs/audit.md) with Go's standard library alone: go run verify_bundle.go BUNDLE [POLICY]
package main

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

const largestFile, manifestName = 1 << 31, "signed-manifest"

var (
	decode         = base64.StdEncoding.Strict().DecodeString
	eventName      = regexp.MustCompile(`^(([a-z]+)/events/[0-9]{19})\.(?:entry|json|tlog-proof)$`)
	members        = map[string][]byte{}
	names          []string // of members, in their order
	found, checked int
)

func mismatch(what, format string, args ...any) {
	found++
	fmt.Printf("%s: %s\n", what, fmt.Sprintf(format, args...))
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Printf("MALFORMED: %v\n", err)
		os.Exit(1)
	}
	return value
}

// key is a vkey: name, id, and the kind of its signatures, 1 for a log and 4 for a witness.
type key struct {
	name, id string
	kind     byte
	public   ed25519.PublicKey
}

func readKey(text string) key {
	parts := strings.SplitN(text, "+", 3)
	content, err := decode(parts[len(parts)-1])
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), content...))
	if err != nil || len(parts) != 3 || len(content) != 33 || fmt.Sprintf("%x", sum[:4]) != parts[1] {
		must(0, fmt.Errorf("no vkey of Ed25519: %q", text))
	}
	return key{parts[0], parts[1], content[0], content[1:]}
}

// note is a signed note: its text with the end of its last line, and the lines of signature.
type note struct {
	text  string
	lines []string
}

func readNote(name string) note {
	content := string(members[name])
	cut := strings.LastIndex(content, "\n\n")
	if cut < 0 || !strings.HasSuffix(content, "\n") || strings.ToValidUTF8(content, "") != content ||
		strings.ContainsFunc(content, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }) {
		must(0, fmt.Errorf("%s is no signed note", name))
	}
	return note{content[:cut+1], strings.Split(content[cut+2:len(content)-1], "\n")}
}

// signed says whether a key signed the note; a wrong signature under its name and id is an error.
func (n note) signed(by key) (bool, error) {
	for _, line := range n.lines {
		words := strings.Split(line, " ")
		content, err := decode(words[len(words)-1])
		if by.id == "" || err != nil || len(words) != 3 || words[0]+words[1] != "—"+by.name ||
			!strings.HasPrefix(fmt.Sprintf("%x", content), by.id) {
			continue
		}
		message, signature := n.text, content[len(by.id)/2:]
		if by.kind == 4 && len(signature) == 72 {
			message, signature = fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))+message, signature[8:]
		}
		if len(signature) != ed25519.SignatureSize || !ed25519.Verify(by.public, []byte(message), signature) {
			return false, fmt.Errorf("the signature of %s is wrong", by.name)
		}
		return true, nil
	}
	return false, nil
}

// policy is whom somebody trusts. A group begins with how many of its members must have cosigned.
type policy struct {
	logs      []key
	witnesses map[string]key
	groups    map[string][]string
	quorum    string
}

func readPolicy(content []byte) policy {
	p := policy{witnesses: map[string]key{}, groups: map[string][]string{}}
	for _, line := range strings.Split(string(content), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "log" && len(words) > 1:
			p.logs = append(p.logs, readKey(words[1]))
		case words[0] == "witness" && len(words) > 2:
			p.witnesses[words[1]] = readKey(words[2])
		case words[0] == "group" && len(words) > 3:
			p.groups[words[1]] = words[2:]
		case words[0] == "quorum" && len(words) == 2:
			p.quorum = words[1]
		default:
			must(0, fmt.Errorf("no line of a policy: %q", line))
		}
	}
	return p
}

func (p policy) holds(name string, n note) bool {
	group, ok := p.groups[name]
	if !ok {
		cosigned, err := n.signed(p.witnesses[name])
		return name == "none" || (cosigned && err == nil)
	}
	least := map[string]int{"any": 1, "all": len(group) - 1}[group[0]]
	if least == 0 {
		least = must(strconv.Atoi(group[0]))
	}
	for _, member := range group[1:] {
		if p.holds(member, n) {
			least--
		}
	}
	return least <= 0
}

// rootOf is where an inclusion proof leads to, in base64 (RFC 9162, section 2.1.3.2).
func rootOf(index, size uint64, root [32]byte, proof []string) string {
	number, last := index, size-1
	for _, line := range proof {
		sibling, err := decode(line)
		if last == 0 || err != nil || len(sibling) != 32 {
			return "nowhere"
		}
		if number&1 == 1 || number == last {
			root = sha256.Sum256(append(append([]byte{1}, sibling...), root[:]...))
			for ; number&1 == 0 && number != 0; last >>= 1 {
				number >>= 1
			}
		} else {
			root = sha256.Sum256(append(append([]byte{1}, root[:]...), sibling...))
		}
		number, last = number>>1, last>>1
	}
	if last != 0 || index >= size {
		return "nowhere"
	}
	return base64.StdEncoding.EncodeToString(root[:])
}

// readArchive reads the members; writing them again has to make the file as it is, so no byte of it goes unnoticed.
func readArchive(content []byte) {
	again := &bytes.Buffer{}
	writer := zip.NewWriter(again)
	for _, file := range must(zip.NewReader(bytes.NewReader(content), int64(len(content)))).File {
		read := must(io.ReadAll(must(file.OpenRaw())))
		members[file.Name], names = read, append(names, file.Name)
		must(must(writer.CreateRaw(&zip.FileHeader{Name: file.Name, CreatorVersion: 20, ReaderVersion: 20, ModifiedDate: 0x21,
			CRC32: crc32.ChecksumIEEE(read), CompressedSize64: uint64(len(read)), UncompressedSize64: uint64(len(read))})).Write(read))
	}
	if must(0, writer.Close()); !bytes.Equal(again.Bytes(), content) {
		mismatch("MALFORMED", "the archive is not the one that its members make")
	}
}

// stream is one whose events a bundle has; last is the version of its last one.
type stream struct {
	Stream string
	Salts  map[string]string // by the versions of the events
	Whole  bool
	last   uint64
}

func checkEvent(stem string, streams map[string]*stream, root note, checkpoint string) {
	checked++
	entry, state := members[stem+".entry"], members[stem+".json"]
	var logged struct {
		Position, Version          uint64
		Stream, RecordedAt, SHA256 string
	}
	var stored struct{ Meta struct{ Recorded_At string } }
	malformed := json.Unmarshal(entry, &logged)
	of := streams[fmt.Sprint(logged.Stream, " ", logged.Version, " 24")] // a longer salt could end in a part of a name
	if malformed != nil || of == nil {
		mismatch("MOVED", "%s: the event is of none of the streams that are listed", stem)
		return
	}
	if of.last++; of.Whole && logged.Version != of.last {
		mismatch("MISSING", "%s: an event of its stream lacks before it", stem)
	}
	if json.Unmarshal(state, &stored) != nil || fmt.Sprintf("%x", sha256.Sum256(state)) != logged.SHA256 ||
		logged.RecordedAt != stored.Meta.Recorded_At || !strings.HasSuffix(stem, fmt.Sprintf("/%019d", logged.Position)) {
		mismatch("CHANGED", "%s: the event is another than that of its entry", stem)
	}
	head, signed, _ := strings.Cut(string(members[stem+".tlog-proof"]), "\n\n")
	first, rest, _ := strings.Cut(head, "\nindex ")
	place, proof, _ := strings.Cut(rest, "\n")
	tree := append(strings.Split(root.text, "\n"), "", "")
	index, err := strconv.ParseUint(place, 10, 63)
	size, wrong := strconv.ParseUint(tree[1], 10, 63)
	reached := rootOf(index, size, sha256.Sum256(append([]byte{0}, entry...)), strings.Fields(proof))
	if err != nil || wrong != nil || first != "c2sp.org/tlog-proof@v1" || signed != checkpoint || reached != tree[2] {
		mismatch("NOT_INCLUDED", "%s: the proof does not lead to the signed root", stem)
	}
}

// checkLog checks who signed the checkpoint of a log and, with it, the manifest; then every event of the log.
func checkLog(log, origin string, manifest note, trusted policy) {
	checkpoint, keys, signed, wrong := readNote(log+"/checkpoint"), trusted.logs, false, false
	if len(keys) == 0 {
		for _, line := range strings.Fields(string(members[log+"/keys"])) {
			keys = append(keys, readKey(line))
		}
	}
	for _, by := range keys {
		root, err := checkpoint.signed(by)
		all, failure := manifest.signed(by)
		signed, wrong = signed || (by.name == origin && root && all), wrong || err != nil || failure != nil
	}
	if !signed || wrong || !strings.HasPrefix(checkpoint.text, origin+"\n") {
		mismatch("NOT_SIGNED", "%s: no trusted key signed its checkpoint and the manifest", log)
	}
	if !trusted.holds(trusted.quorum, checkpoint) {
		mismatch("DISTRUSTED", "%s: the quorum %s is missed", log, trusted.quorum)
	}
	listed, streams, last := []*stream{}, map[string]*stream{}, ""
	must(0, json.Unmarshal(members[log+"/streams.json"], &listed))
	for _, each := range listed {
		for version, salt := range each.Salts {
			sum := sha256.Sum256(append(must(decode(salt)), each.Stream...))
			streams[fmt.Sprintf("%x %s %d", sum, version, len(salt))] = each
		}
		if !each.Whole && strings.Contains(manifest.text, "\nabout "+log+" "+each.Stream+"\nview whole\n") {
			mismatch("MISSING", "%s: a part is left out of what it says that it has the whole of", log)
		}
	}
	for _, name := range names {
		if part := eventName.FindStringSubmatch(name); part != nil && part[2] == log && part[1] != last {
			last = part[1]
			checkEvent(last, streams, checkpoint, string(members[log+"/checkpoint"]))
		}
	}
}

func main() {
	readArchive(must(io.ReadAll(io.LimitReader(must(os.Open(os.Args[1])), largestFile))))
	trusted, manifest := policy{quorum: "none"}, readNote(manifestName)
	if len(os.Args) > 2 {
		trusted = readPolicy(must(os.ReadFile(os.Args[2])))
	}
	logs, files := map[string]bool{}, map[string]bool{manifestName: true}
	for number, line := range strings.Split(strings.TrimSuffix(manifest.text, "\n"), "\n") {
		words := strings.SplitN(line, " ", 4)
		switch {
		case number == 0 && line == "caserelay-bundle/v1", words[0] == "about", words[0] == "view":
		case words[0] == "log" && len(words) == 3:
			logs[words[1]] = true
			checkLog(words[1], words[2], manifest, trusted)
		case words[0] == "file" && len(words) == 4 && logs[strings.Split(words[3], "/")[0]]:
			files[words[3]] = true
			if content, ok := members[words[3]]; !ok {
				mismatch("MISSING", "%s", words[3])
			} else if fmt.Sprintf("%x %d", sha256.Sum256(content), len(content)) != words[1]+" "+words[2] {
				mismatch("CHANGED", "%s", words[3])
			}
		default:
			mismatch("MALFORMED", "line %d of the manifest is none that may stand there", number+1)
		}
	}
	for _, name := range names {
		if !files[name] {
			mismatch("ADDED", "%q", name)
		}
	}
	if len(logs) == 0 || len(logs) != len(manifest.lines) {
		mismatch("NOT_SIGNED", "the manifest is not signed by its logs, each once")
	}
	if fmt.Printf("%d mismatches; %d events checked\n", found, checked); len(trusted.logs) == 0 {
		fmt.Println("the keys came from the file itself: compare them with those that the log's operator published")
	}
	os.Exit(min(found, 1))
}
