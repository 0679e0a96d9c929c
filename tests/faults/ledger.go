// What was sent and acknowledged: every record names its partition and its number there, and the rest of it follows from these.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

type place struct {
	topic     string
	partition int32
}

// The value of a record: topic hash, partition, number, then filler derived from them, 20 to 2000 bytes in all.
func value(at place, sequence int64) []byte {
	hash := fnv.New64a()
	hash.Write([]byte(at.topic))
	state := hash.Sum64() ^ uint64(at.partition)<<48 ^ uint64(sequence)*0x9e3779b97f4a7c15
	next := func() uint64 { // xorshift: only has to differ from place to place
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return state
	}
	out := make([]byte, 20+next()%uint64(1980))
	for index := 12; index < len(out); index++ {
		out[index] = byte(next())
	}
	binary.BigEndian.PutUint32(out, uint32(at.partition))
	binary.BigEndian.PutUint64(out[4:], uint64(sequence))
	return out
}

// The number of a record that was read; an error when it is not exactly what was sent.
func sequenceOf(record *kgo.Record) (int64, error) {
	if len(record.Value) < 20 {
		return 0, fmt.Errorf("a value of %d bytes was never sent", len(record.Value))
	}
	sequence := int64(binary.BigEndian.Uint64(record.Value[4:]))
	if string(value(place{record.Topic, record.Partition}, sequence)) != string(record.Value) {
		return 0, fmt.Errorf("offset %d of %s/%d differs from record %d that was sent", record.Offset, record.Topic, record.Partition, sequence)
	}
	return sequence, nil
}

// One acknowledged record.
type entry struct {
	at       place
	sequence int64
	offset   int64
}

// Acknowledged records, on disk from where the end of the test reads them back.
type ledger struct {
	mutex sync.Mutex
	file  *os.File
	out   *bufio.Writer
	count int64
}

func newLedger(path string) (*ledger, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &ledger{file: file, out: bufio.NewWriterSize(file, 4096)}, nil
}

func (l *ledger) add(e entry) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.count++
	fmt.Fprintln(l.out, e.at.topic, e.at.partition, e.sequence, e.offset)
}

func (l *ledger) acknowledged() int64 {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.count
}

// Reads every entry back.
func (l *ledger) each(visit func(entry)) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err := l.out.Flush(); err != nil {
		return err
	}
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReader(l.file)
	for {
		var e entry
		if _, err := fmt.Fscanln(in, &e.at.topic, &e.at.partition, &e.sequence, &e.offset); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		visit(e)
	}
}
