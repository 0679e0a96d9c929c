// What the log holds in the end against what was sent, what was acknowledged, and what a consumer saw while the broker was being killed.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const readWait = 2 * time.Minute

// Numbers of the records of each partition, by offset.
type contents map[place][]int64

// Reads all partitions under load from the start; hands each record over in order.
func (t *killTest) reader() (*kgo.Client, error) {
	assigned := map[string]map[int32]kgo.Offset{}
	for topic, partitions := range loaded {
		assigned[topic] = map[int32]kgo.Offset{}
		for partition := range partitions {
			assigned[topic][partition] = kgo.NewOffset().At(0)
		}
	}
	return t.client(kgo.ConsumePartitions(assigned), kgo.FetchMaxWait(200*time.Millisecond), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
}

func (c contents) add(record *kgo.Record) error {
	at := place{record.Topic, record.Partition}
	if record.Offset != int64(len(c[at])) {
		return fmt.Errorf("offset %d of %s/%d follows %d", record.Offset, at.topic, at.partition, len(c[at])-1)
	}
	sequence, err := sequenceOf(record)
	c[at] = append(c[at], sequence)
	return err
}

// A consumer that reads along while the broker is killed: what it was shown may never change.
type tail struct {
	client *kgo.Client
	mutex  sync.Mutex
	seen   contents
	err    error
	done   chan struct{}
}

func newTail(t *killTest) (*tail, error) {
	client, err := t.reader()
	if err != nil {
		return nil, err
	}
	reader := &tail{client: client, seen: contents{}, done: make(chan struct{})}
	go func() {
		defer close(reader.done)
		for {
			fetches := client.PollFetches(t.ctx)
			if fetches.IsClientClosed() {
				return
			}
			reader.mutex.Lock()
			for _, failed := range fetches.Errors() {
				// The kill hit a connection before its first answer: the client says so, and goes on by itself.
				var unanswered *kgo.ErrFirstReadEOF
				if !errors.As(failed.Err, &unanswered) {
					reader.note(fmt.Errorf("%s/%d: %w", failed.Topic, failed.Partition, failed.Err))
				}
			}
			fetches.EachRecord(func(record *kgo.Record) { reader.note(reader.seen.add(record)) })
			reader.mutex.Unlock()
		}
	}()
	return reader, nil
}

func (t *tail) note(err error) {
	if t.err == nil && err != nil {
		t.err = err
	}
}

func (t *tail) close() {
	t.client.Close()
	<-t.done
}

func (t *tail) records() int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	count := 0
	for _, sequences := range t.seen {
		count += len(sequences)
	}
	return count
}

// Reads everything up to the ends that the broker tells.
func (t *killTest) contents() (contents, error) {
	client, err := t.reader()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.ctx, readWait)
	defer cancel()
	topics := []string{}
	for topic := range loaded {
		topics = append(topics, topic)
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	var missing int64
	ends.Each(func(end kadm.ListedOffset) { missing += end.Offset })
	found := contents{}
	for missing > 0 {
		fetches := client.PollFetches(ctx)
		for _, failed := range fetches.Errors() {
			return nil, fmt.Errorf("%s/%d: %w, %d records to come", failed.Topic, failed.Partition, failed.Err, missing)
		}
		var wrong error
		fetches.EachRecord(func(record *kgo.Record) {
			missing--
			if err := found.add(record); err != nil && wrong == nil {
				wrong = err
			}
		})
		if wrong != nil {
			return nil, wrong
		}
	}
	return found, nil
}

func (t *killTest) verify(along *tail) {
	found, err := t.contents()
	if err != nil {
		along.close()
		t.report.check("everything can be read, as it was sent, without gaps", err)
		return
	}
	records := 0
	for _, sequences := range found {
		records += len(sequences)
	}
	fmt.Printf("     %d records read back\n", records)
	t.report.check("everything can be read, as it was sent, without gaps", nil)
	t.report.check("every acknowledged record is at its offset", t.acknowledged(found))
	t.report.check("nothing duplicated by the broker or out of order", t.ordered(found))
	t.report.check("a consumer that read along saw the same", t.same(along, found, records))
}

func (t *killTest) acknowledged(found contents) error {
	var wrong error
	err := t.ledger.each(func(e entry) {
		sequences := found[e.at]
		if wrong == nil && (e.offset >= int64(len(sequences)) || sequences[e.offset] != e.sequence) {
			wrong = fmt.Errorf("record %d of %s/%d was acknowledged at offset %d, and is not there", e.sequence, e.at.topic, e.at.partition, e.offset)
		}
	})
	if err != nil {
		return err
	}
	return wrong
}

func (t *killTest) ordered(found contents) error {
	for at, sequences := range found {
		if at.topic == "one" {
			if err := grows(at, sequences); err != nil {
				return err
			}
			continue
		}
		// Idempotent, and all was acknowledged in the end: exactly what was sent, once.
		if int64(len(sequences)) != t.sent[at] {
			return fmt.Errorf("%s/%d holds %d records, %d were sent", at.topic, at.partition, len(sequences), t.sent[at])
		}
		for offset, sequence := range sequences {
			if sequence != int64(offset) {
				return fmt.Errorf("%s/%d holds record %d at offset %d", at.topic, at.partition, sequence, offset)
			}
		}
	}
	return nil
}

// Without idempotence a client that was not answered sends its batch again: a step back may only repeat what came just before.
func grows(at place, sequences []int64) error {
	high := int64(-1)
	for offset, sequence := range sequences {
		if sequence > high+1 {
			return fmt.Errorf("%s/%d skips from record %d to %d at offset %d", at.topic, at.partition, high, sequence, offset)
		}
		high = max(high, sequence)
	}
	return nil
}

func (t *killTest) same(along *tail, found contents, records int) error {
	for until := time.Now().Add(readWait / 2); along.records() < records && time.Now().Before(until); {
		time.Sleep(50 * time.Millisecond)
	}
	along.close()
	if along.err != nil {
		return along.err
	}
	for at, sequences := range along.seen {
		if fmt.Sprint(sequences) != fmt.Sprint(found[at]) {
			return fmt.Errorf("%s/%d: it read %d records, the log holds %d, or they differ", at.topic, at.partition, len(sequences), len(found[at]))
		}
	}
	if count := along.records(); count != records {
		return fmt.Errorf("it read %d records of %d", count, records)
	}
	return nil
}
