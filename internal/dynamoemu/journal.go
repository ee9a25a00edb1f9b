package dynamoemu

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// journalHeader is a journal's first line. Its number rises with the format.
const journalHeader = "deltag dynamoemu journal 1\n"

// A record is one committed change of the tables. Records say what came out of a request, not what was asked, so
// replaying them decides nothing.
type record struct {
	Create *tableDefinition  `json:"create,omitempty"`
	Drop   string            `json:"drop,omitempty"`
	Put    map[string][]item `json:"put,omitempty"`    // items by table
	Delete map[string][]item `json:"delete,omitempty"` // keys by table
}

func (r record) isEmpty() bool {
	return r.Create == nil && r.Drop == "" && len(r.Put)+len(r.Delete) == 0
}

// A journal is a file of records, one a line, each behind its checksum. Appending is cheap and ordered by the caller;
// waiting makes it durable, together with what others have appended meanwhile. A nil journal keeps nothing.
type journal struct {
	path    string
	durable atomic.Int64 // records on the disk

	mu       sync.Mutex // guards pending and appended
	pending  []byte
	appended int64 // records so far

	disk sync.Mutex // guards file and err; it is locked before mu
	file *os.File
	err  error // the disk failed: nothing becomes durable any more
}

// openJournal replays the records of a journal and is ready for more. A last record that is torn was never answered
// for and is cut off; any other damage is an error.
func openJournal(path string, replay func(record) error) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	whole, err := readJournal(file, replay)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err == nil && whole == 0 {
		_, err = file.WriteString(journalHeader) // it reaches the disk with the first record, or is torn
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), file.Close())
	}
	return &journal{path: path, file: file}, nil
}

// readJournal returns the length of what is whole.
func readJournal(r io.Reader, replay func(record) error) (whole int64, err error) {
	lines := bufio.NewReader(r)
	header, err := lines.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && strings.HasPrefix(journalHeader, header):
		return 0, nil // new, or torn
	case err != nil && !errors.Is(err, io.EOF):
		return 0, err
	case header != journalHeader:
		return 0, fmt.Errorf("not a file of this version: it begins with %.40q instead of %q", header, journalHeader)
	}
	whole = int64(len(header))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil // and what has no line end is torn
		}
		if err != nil {
			return whole, err
		}
		rec, err := decodeRecord(line)
		if err != nil {
			if _, err := lines.Peek(1); errors.Is(err, io.EOF) {
				return whole, nil
			}
			return whole, fmt.Errorf("damaged at byte %d: %w", whole, err)
		}
		if err := replay(rec); err != nil {
			return whole, fmt.Errorf("record at byte %d: %w", whole, err)
		}
		whole += int64(len(line))
	}
}

func encodeRecord(rec record) ([]byte, error) {
	body, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(body), body), nil
}

func decodeRecord(line []byte) (record, error) {
	var rec record
	sum, body, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil {
		return rec, err
	}
	if crc32.ChecksumIEEE(body) != uint32(want) {
		return rec, errors.New("checksum does not match")
	}
	return rec, json.Unmarshal(body, &rec)
}

func (j *journal) append(rec record) error {
	if j == nil {
		return nil
	}
	line, err := encodeRecord(rec)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, line...)
	j.appended++
	return nil
}

// last is the number of the newest record, for wait.
func (j *journal) last() int64 {
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.appended
}

// wait returns once record n and all before it are on the disk. The first to come writes for all who are there.
func (j *journal) wait(n int64) error {
	if j == nil || j.durable.Load() >= n {
		return nil
	}
	j.disk.Lock()
	defer j.disk.Unlock()
	if j.durable.Load() < n && j.err == nil {
		j.err = j.write()
	}
	return j.err
}

// write is called with the disk locked.
func (j *journal) write() error {
	j.mu.Lock()
	lines, upTo := j.pending, j.appended
	j.pending = nil
	j.mu.Unlock()
	_, err := j.file.Write(lines)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.durable.Store(upTo)
	return nil
}

// rewrite replaces the file by the records that all yields. The caller sees to it that nobody appends meanwhile.
func (j *journal) rewrite(all func(yield func(record) error) error) error {
	if err := j.wait(j.last()); err != nil {
		return err
	}
	j.disk.Lock()
	defer j.disk.Unlock()
	file, err := writeJournal(j.path+".new", all)
	if err != nil {
		return fmt.Errorf("rewrite journal: %w", err)
	}
	if err := os.Rename(j.path+".new", j.path); err != nil {
		return errors.Join(fmt.Errorf("rewrite journal: %w", err), file.Close())
	}
	old := j.file
	j.file = file
	j.err = syncFolder(filepath.Dir(j.path)) // or a power cut may bring the old file back
	return errors.Join(j.err, old.Close())
}

func writeJournal(path string, all func(yield func(record) error) error) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriter(file)
	_, err = out.WriteString(journalHeader)
	if err == nil {
		err = all(func(rec record) error {
			line, err := encodeRecord(rec)
			if err != nil {
				return err
			}
			_, err = out.Write(line)
			return err
		})
	}
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (j *journal) close() error {
	return errors.Join(j.wait(j.last()), j.file.Close())
}

// syncFolder makes what a folder lists survive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
