package local

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
	"sync"
)

// A record is one committed change of the engine's tables. Records say what came out of a request, not what was asked,
// so replaying them decides nothing.
type record struct {
	Create *tableDefinition  `json:"create,omitempty"`
	Drop   string            `json:"drop,omitempty"`
	Put    map[string][]item `json:"put,omitempty"`    // items by table
	Delete map[string][]item `json:"delete,omitempty"` // keys by table
}

// A journal is a file of records, one a line, each behind its checksum. Appending is cheap and ordered by the caller;
// waiting makes it durable, together with what others have appended meanwhile.
type journal struct {
	path string

	mu       sync.Mutex
	written  sync.Cond
	file     *os.File
	pending  []byte
	appended int64 // records so far
	durable  int64 // of them on the disk
	writing  bool
	size     int64
	err      error // the disk failed: nothing is durable any more
}

// openJournal replays the records of a journal and is ready for more. A last record that is torn was never answered
// for and is cut off; any other damage is an error.
func openJournal(path string, replay func(record) error) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	good, err := readJournal(file, replay)
	if err == nil {
		err = errors.Join(file.Truncate(good), syncFolder(filepath.Dir(path)))
	}
	if err == nil {
		_, err = file.Seek(good, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), file.Close())
	}
	j := &journal{path: path, file: file, size: good}
	j.written.L = &j.mu
	return j, nil
}

// readJournal returns the length of what is whole.
func readJournal(r io.Reader, replay func(record) error) (good int64, err error) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return good, nil // and what has no line end is torn
		}
		if err != nil {
			return good, err
		}
		rec, err := decodeRecord(line)
		if err != nil {
			if _, err := lines.Peek(1); errors.Is(err, io.EOF) {
				return good, nil
			}
			return good, fmt.Errorf("damaged at byte %d: %w", good, err)
		}
		if err := replay(rec); err != nil {
			return good, fmt.Errorf("record at byte %d: %w", good, err)
		}
		good += int64(len(line))
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

// append returns the record's number, for wait.
func (j *journal) append(rec record) (int64, error) {
	line, err := encodeRecord(rec)
	if err != nil {
		return 0, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, line...)
	j.appended++
	return j.appended, j.err
}

// last is the number of the newest record.
func (j *journal) last() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.appended
}

// wait returns once record n and all before it are on the disk. The first to come writes for all who are there.
func (j *journal) wait(n int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.durable < n && j.err == nil {
		if j.writing {
			j.written.Wait()
			continue
		}
		j.write()
	}
	return j.err
}

// write is called and returns with the lock held, and lets go of it while the disk works.
func (j *journal) write() {
	lines, upTo := j.pending, j.appended
	j.pending, j.writing = nil, true
	j.mu.Unlock()
	_, err := j.file.Write(lines)
	if err == nil {
		err = j.file.Sync()
	}
	j.mu.Lock()
	j.writing = false
	if err != nil {
		j.err = fmt.Errorf("journal: %w", err)
	} else {
		j.durable, j.size = upTo, j.size+int64(len(lines))
	}
	j.written.Broadcast()
}

// rewrite replaces the file by the records that all yields. The caller sees to it that nobody appends meanwhile.
func (j *journal) rewrite(all func(yield func(record) error) error) error {
	if err := j.wait(j.last()); err != nil {
		return err
	}
	file, size, err := writeJournal(j.path+".new", all)
	if err != nil {
		return fmt.Errorf("rewrite journal: %w", err)
	}
	if err := os.Rename(j.path+".new", j.path); err != nil {
		return errors.Join(fmt.Errorf("rewrite journal: %w", err), file.Close())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	old := j.file
	j.file, j.size = file, size
	j.err = syncFolder(filepath.Dir(j.path)) // or a power cut may bring the old file back
	return errors.Join(j.err, old.Close())
}

func writeJournal(path string, all func(yield func(record) error) error) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, 0, err
	}
	out := bufio.NewWriter(file)
	size := int64(0)
	err = all(func(rec record) error {
		line, err := encodeRecord(rec)
		if err != nil {
			return err
		}
		size += int64(len(line))
		_, err = out.Write(line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, size, nil
}

func (j *journal) close() error {
	return errors.Join(j.wait(j.last()), j.file.Close())
}
