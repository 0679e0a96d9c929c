// Clients that mean harm: whatever they send or do not read, the broker goes on answering others at once and stays within its memory.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	probeTopic = "probe"
	bulkTopic  = "bulk"
	bulkMiB    = 64
)

type hostileTest struct {
	broker *broker
	report *report
	ctx    context.Context
	probed int64
}

func hostile(b *broker, r *report) error {
	t := &hostileTest{broker: b, report: r, ctx: context.Background()}
	if _, err := b.start(); err != nil {
		return err
	}
	if err := t.prepare(); err != nil {
		return err
	}
	before, err := b.residentMiB()
	if err != nil {
		return err
	}
	fmt.Printf("     %d MiB resident after a load of %d MiB\n", before, bulkMiB)
	// Kafka allocates what a frame announces, so that a hundred such clients would end it: asked of Corelog only.
	announced := 100
	if os.Getenv("BROKER") == "peer" {
		announced = 4
	}
	t.attack("malformed frames", func() (func(), error) { return nil, t.malformed(number("FRAMES", 4000)) })
	t.attack("frames of impossible length", func() (func(), error) { return nil, t.impossible() })
	t.attack(fmt.Sprintf("%d frames announced at 100 MB and never sent", announced), func() (func(), error) { return t.announced(announced) })
	t.attack(fmt.Sprintf("%d idle connections", number("IDLE", 10000)), func() (func(), error) { return t.idle(number("IDLE", 10000)) })
	t.attack("100 readers that do not read", func() (func(), error) { return t.slowReaders(100) })
	t.attack("100 clients that ask and do not listen", func() (func(), error) { return t.deaf(100) })
	if err := t.coordinators(); err != nil {
		return err
	}
	t.attack("32 members of 8 MiB or of 10 000 protocols", func() (func(), error) { return t.largeMembers(32) })
	t.attack("10 000 members that only ask for an id", func() (func(), error) { return t.forgetful(10000) })
	t.attack("5 000 members of one group", func() (func(), error) { return t.crowd(5000) })
	t.attack("patterns made to be slow or large", func() (func(), error) { return t.patterns(32) })
	t.attack("20 000 groups that commit as much as they may", func() (func(), error) { return t.commits(20000) })
	return nil
}

// One kind of attack: while it goes on and after it, the broker answers, and its memory stays within bounds. `end` lets go of what the attack holds.
func (t *hostileTest) attack(name string, begin func() (end func(), err error)) {
	end, err := begin()
	if err == nil {
		err = t.probe()
	}
	if err != nil {
		err = fmt.Errorf("during it: %w", err)
	}
	during, lost := t.broker.residentMiB()
	if end != nil {
		end()
	}
	if err == nil {
		if err = t.probe(); err != nil {
			err = fmt.Errorf("after it: %w", err)
		}
	}
	bound := number("RSS_MIB_MAX", 1024)
	if lost != nil {
		err = lost
	} else if err == nil && during > bound {
		err = fmt.Errorf("%d MiB resident, %d allowed", during, bound)
	}
	fmt.Printf("     %d MiB resident, slowest probe %d ms so far\n", during, t.probed)
	t.report.check(name, err)
}

func (t *hostileTest) prepare() error {
	client, err := kgo.NewClient(kgo.SeedBrokers(t.broker.address()), kgo.UnknownTopicRetries(-1), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, topic := range []string{probeTopic, bulkTopic} {
		if _, err := kadm.NewClient(client).CreateTopic(t.ctx, 1, 1, nil, topic); err != nil {
			return err
		}
	}
	var failed error
	for range bulkMiB * 16 {
		client.Produce(t.ctx, &kgo.Record{Topic: bulkTopic, Value: make([]byte, 65000)}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	if err := client.Flush(t.ctx); err != nil {
		return err
	}
	return failed
}

// A new client that produces a record, reads it back and leaves, within PROBE_MS_MAX (5000: test machines are busy).
func (t *hostileTest) probe() error {
	limit := time.Duration(number("PROBE_MS_MAX", 5000)) * time.Millisecond
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	began := time.Now()
	client, err := kgo.NewClient(kgo.SeedBrokers(t.broker.address()))
	if err != nil {
		return err
	}
	defer client.Close()
	record, err := client.ProduceSync(ctx, &kgo.Record{Topic: probeTopic, Value: []byte("probe")}).First()
	if err != nil {
		return fmt.Errorf("produce to a healthy client failed after %v: %w", time.Since(began), err)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{probeTopic: {0: kgo.NewOffset().At(record.Offset)}})
	fetches := client.PollFetches(ctx)
	if len(fetches.Records()) == 0 {
		return fmt.Errorf("nothing read back after %v: %v", time.Since(began), fetches.Errors())
	}
	t.probed = max(t.probed, time.Since(began).Milliseconds())
	return nil
}
