package dynamoemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// journalHeader is a journal's first line. Its number rises with the format.
const journalHeader = "deltag dynamoemu journal 1\n"

// A record is one committed change of the tables. It holds the result of a request, so that replaying it decides
// nothing.
type record struct {
	Create *tableDefinition  `json:"create,omitempty"`
	Drop   string            `json:"drop,omitempty"`
	Put    map[string][]item `json:"put,omitempty"`    // items by table
	Delete map[string][]item `json:"delete,omitempty"` // keys by table
}

// line is how the journal stores a record: behind its checksum.
func (r record) line() []byte {
	body := encode(r)
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(body), body)
}

func parseLine(line []byte) (r record, err error) {
	sum, body, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if want := fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)); string(sum) != want {
		return r, fmt.Errorf("its checksum is %s and not %.8q", want, sum)
	}
	return r, json.Unmarshal(body, &r)
}

// replay calls apply with the records of a journal. A last record that is torn was never answered and is ignored; any
// other damage is an error.
func replay(path string, apply func(record) error) error {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.HasPrefix(journalHeader, string(content)) {
		return nil // new, or torn
	}
	records, ok := bytes.CutPrefix(content, []byte(journalHeader))
	if !ok {
		return fmt.Errorf("%s is not a file of this version, it begins with %.40q: delete it, or use another folder",
			path, content)
	}
	at := len(journalHeader)
	for line := range bytes.Lines(records) {
		r, err := parseLine(line)
		if err != nil && at+len(line) == len(content) {
			return nil
		}
		if err == nil {
			err = apply(r)
		}
		if err != nil {
			return fmt.Errorf("%s is damaged at byte %d: %w; restore it, or delete it to start over", path, at, err)
		}
		at += len(line)
	}
	return nil
}

// A journal is a file of records. Appending is cheap and ordered by the caller; waiting makes records durable, together
// with those appended meanwhile. The zero value stores nothing.
type journal struct {
	path    string
	durable atomic.Int64 // records on the disk

	mu       sync.Mutex // guards pending and appended
	pending  []byte
	appended int64 // the number of the newest record, for wait; the caller of append may read it without mu

	disk sync.Mutex // guards file and err; it is locked before mu
	file *os.File
	err  error // the disk failed: nothing becomes durable any more
}

func (j *journal) append(r record) {
	if j.path == "" {
		return
	}
	line := r.line()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, line...)
	j.appended++
}

// takePending returns the lines to write, and the number of the last of them.
func (j *journal) takePending() (lines []byte, last int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines, j.pending = j.pending, nil
	return lines, j.appended
}

// wait returns once record n and all before it are on the disk. The first caller writes what others have appended too.
func (j *journal) wait(n int64) error {
	if j.durable.Load() >= n {
		return nil
	}
	j.disk.Lock()
	defer j.disk.Unlock()
	if j.durable.Load() >= n || j.err != nil {
		return j.err
	}
	lines, last := j.takePending()
	_, err := j.file.Write(lines)
	if j.err = errors.Join(err, j.file.Sync()); j.err == nil {
		j.durable.Store(last)
	}
	return j.err
}

// rewrite replaces the file by one with these lines, which hold all that was appended. Nobody may append meanwhile.
func (j *journal) rewrite(lines []byte) error {
	j.disk.Lock()
	defer j.disk.Unlock()
	if j.err != nil {
		return j.err
	}
	next := j.path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = file.Write(append([]byte(journalHeader), lines...))
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(next, j.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(j.path)) // or a power cut may bring the old file back
	}
	if err != nil {
		j.err = fmt.Errorf("rewrite journal: %w", err)
		return j.err
	}
	_ = j.file.Close() // there is none at first
	j.file = file
	_, last := j.takePending()
	j.durable.Store(last)
	return nil
}

// syncFolder makes what a folder lists survive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
