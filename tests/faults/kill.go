// SIGKILL under load, KILLS times in a row: nothing acknowledged is missing, duplicated by the broker or out of order.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Partitions of each topic under load. "one" is written with acks=1 and without idempotence.
var loaded = map[string]int32{"many": 60, "few": 3, "one": 4}

const (
	writersOfMany     = 3
	progressRecords   = 50
	progressWait      = 60 * time.Second
	killAfterMsMax    = 1500
	recordsEachSecond = 3000
	metadataTopic     = "metadata-"
)

type killTest struct {
	broker *broker
	report *report
	ledger *ledger
	ctx    context.Context
	stop   chan struct{}
	group  sync.WaitGroup
	mutex  sync.Mutex
	sent   map[place]int64
	failed []error
}

func kill(b *broker, r *report) error {
	ledger, err := newLedger(b.dir + ".ledger")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	t := &killTest{broker: b, report: r, ledger: ledger, ctx: ctx, stop: make(chan struct{}), sent: map[place]int64{}}
	first, err := b.start()
	if err != nil {
		return err
	}
	fmt.Printf("     first start took %v\n", first.Round(time.Millisecond))
	if err := t.createTopics(); err != nil {
		return err
	}
	tail, err := newTail(t)
	if err != nil {
		return err
	}
	t.write()
	slowest, err := t.killAgainAndAgain()
	close(t.stop)
	t.group.Wait()
	if err != nil {
		tail.close()
		return err
	}
	fmt.Printf("     %d records acknowledged, slowest restart %v\n", t.ledger.acknowledged(), slowest.Round(time.Millisecond))
	r.check("every record was acknowledged in the end", t.firstFailure())
	t.verify(tail)
	return nil
}

func (t *killTest) client(opts ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{
		kgo.SeedBrokers(t.broker.address()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.RetryTimeout(2 * time.Minute),
		kgo.UnknownTopicRetries(-1),
	}
	return kgo.NewClient(append(base, opts...)...)
}

func (t *killTest) createTopics() error {
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	for topic, partitions := range loaded {
		if _, err := kadm.NewClient(client).CreateTopic(t.ctx, partitions, 1, nil, topic); err != nil {
			return err
		}
	}
	return nil
}

// Starts the writers: each partition has one, so that its order is known.
func (t *killTest) write() {
	idempotent := []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.StopProducerOnDataLossDetected()}
	plain := []kgo.Opt{kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1)}
	for writer := range int32(writersOfMany) {
		var places []place
		for partition := writer; partition < loaded["many"]; partition += writersOfMany {
			places = append(places, place{"many", partition})
		}
		t.writer(places, append(idempotent, kgo.ProducerLinger(time.Duration(writer)*5*time.Millisecond)))
	}
	for partition := range loaded["few"] {
		t.writer([]place{{"few", partition}}, append(idempotent, kgo.ProducerBatchCompression(kgo.ZstdCompression())))
	}
	for partition := range loaded["one"] {
		t.writer([]place{{"one", partition}}, plain)
	}
}

func (t *killTest) writer(places []place, opts []kgo.Opt) {
	client, err := t.client(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(500))...)
	if err != nil {
		t.fail(err)
		return
	}
	t.group.Go(func() {
		defer client.Close()
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for running := true; running; {
			select {
			case <-t.stop:
				running = false
			case <-ticker.C:
				for range recordsEachSecond / 100 / (writersOfMany + 2) {
					t.send(client, places[rand.IntN(len(places))])
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.ctx, progressWait)
		defer cancel()
		if err := client.Flush(ctx); err != nil {
			t.fail(fmt.Errorf("still unacknowledged a minute after the last kill: %w", err))
		}
	})
}

// Only the one writer of a place sends to it, so numbers are taken in the order of sending.
func (t *killTest) send(client *kgo.Client, at place) {
	t.mutex.Lock()
	sequence := t.sent[at]
	t.sent[at]++
	t.mutex.Unlock()
	record := &kgo.Record{Topic: at.topic, Partition: at.partition, Value: value(at, sequence)}
	client.Produce(t.ctx, record, func(record *kgo.Record, err error) {
		if err != nil {
			t.fail(fmt.Errorf("record %d of %s/%d: %w", sequence, at.topic, at.partition, err))
			return
		}
		t.ledger.add(entry{at, sequence, record.Offset})
	})
}

func (t *killTest) fail(err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.failed = append(t.failed, err)
}

func (t *killTest) firstFailure() error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d failed, first: %w", len(t.failed), t.failed[0])
}

// The slowest restart.
func (t *killTest) killAgainAndAgain() (time.Duration, error) {
	var slowest time.Duration
	kills := number("KILLS", 10)
	for round := range kills {
		if err := t.progress(); err != nil {
			return slowest, fmt.Errorf("before kill %d: %w", round+1, err)
		}
		if err := t.metadataKept(round); err != nil {
			t.report.check(fmt.Sprintf("topics after kill %d", round), err)
		}
		time.Sleep(time.Duration(rand.IntN(killAfterMsMax)) * time.Millisecond)
		if err := t.broker.kill(); err != nil {
			return slowest, err
		}
		took, err := t.broker.start()
		if err != nil {
			return slowest, fmt.Errorf("restart after kill %d: %w", round+1, err)
		}
		slowest = max(slowest, took)
		if (round+1)%10 == 0 || round+1 == kills {
			fmt.Printf("     %d kills, %d records acknowledged\n", round+1, t.ledger.acknowledged())
		}
	}
	return slowest, t.progress()
}

// Waits until the load moves again after a restart.
func (t *killTest) progress() error {
	from := t.ledger.acknowledged()
	for until := time.Now().Add(progressWait); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if err := t.firstFailure(); err != nil {
			return err
		}
		if t.ledger.acknowledged() >= from+progressRecords {
			return nil
		}
	}
	return fmt.Errorf("only %d records acknowledged in %v", t.ledger.acknowledged()-from, progressWait)
}

// Each round creates a topic and deletes the one of two rounds ago; what was answered must hold after the kill.
func (t *killTest) metadataKept(round int) error {
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if err := t.topicsAre(admin, round); err != nil {
		return err
	}
	if _, err := admin.CreateTopic(t.ctx, 2, 1, nil, metadataTopic+fmt.Sprint(round)); err != nil {
		return err
	}
	if round >= 2 {
		_, err = admin.DeleteTopic(t.ctx, metadataTopic+fmt.Sprint(round-2))
	}
	return err
}

func (t *killTest) topicsAre(admin *kadm.Client, round int) error {
	wanted := []string{}
	for back := max(0, round-2); back < round; back++ {
		wanted = append(wanted, metadataTopic+fmt.Sprint(back))
	}
	for topic := range loaded {
		wanted = append(wanted, topic)
	}
	sort.Strings(wanted)
	var found []string
	// A restarted Kafka answers before it has read all of its metadata.
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		topics, err := admin.ListTopics(t.ctx)
		if err != nil {
			return err
		}
		found = topics.Names()
		if fmt.Sprint(found) == fmt.Sprint(wanted) {
			return nil
		}
	}
	return fmt.Errorf("topics are %v, acknowledged were %v", found, wanted)
}
