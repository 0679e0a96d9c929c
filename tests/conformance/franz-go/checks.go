// The broker under check, named checks, and topics to run them on.
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Timestamps of the ten records of each filled topic: not in order, so that the maximum is not the last.
var times = []int64{1000, 2000, 3000, 9000, 4000, 5000, 6000, 6000, 7000, 8000}

// A failed check unwinds with this; anything else is a bug of the adapter.
type failure struct{ why string }

func fail(format string, arguments ...any) {
	panic(failure{fmt.Sprintf(format, arguments...)})
}

func equal(found, wanted any) {
	if !reflect.DeepEqual(found, wanted) {
		fail("found %v, wanted %v", found, wanted)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fail("%v", err)
	}
	return value
}

func none(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func refused(err, wanted error) {
	if err == nil {
		fail("accepted, wanted %v", wanted)
	}
	if !strings.Contains(err.Error(), wanted.Error()) {
		fail("refused with %v, wanted %v", err, wanted)
	}
}

func check(name string, function func()) {
	start := time.Now()
	defer func() {
		fmt.Fprintf(os.Stderr, "%6d ms  %s\n", time.Since(start).Milliseconds(), name)
		switch why := recover().(type) {
		case nil:
			fmt.Println("pass " + name)
		case failure:
			fmt.Printf("fail %s: %s\n", name, strings.ReplaceAll(why.why, "\n", " "))
		default:
			panic(why)
		}
	}()
	function()
}

// Kafka answers admin requests before all of it knows: repeats until it holds.
func eventually(function func()) {
	attempt := func() (why any) {
		defer func() { why = recover() }()
		function()
		return nil
	}
	until := time.Now().Add(20 * time.Second)
	for why := attempt(); why != nil; why = attempt() {
		if time.Now().After(until) {
			panic(why)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

type broker struct {
	ctx   context.Context
	admin *kadm.Client
}

func newClient(opts ...kgo.Opt) *kgo.Client {
	return must(kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap)}, opts...)...))
}

func (b broker) topic(name string, partitions int32, configs map[string]*string) string {
	topic := "franz.check." + name
	must(b.admin.CreateTopic(b.ctx, partitions, -1, configs, topic))
	eventually(func() { equal(len(must(b.admin.ListTopics(b.ctx, topic))[topic].Partitions), int(partitions)) })
	return topic
}

// A topic of one partition with ten records, value = offset; each a batch of its own when apart.
func (b broker) filled(name string, apart bool) string {
	topic := b.topic(name, 1, nil)
	client := newClient(kgo.ProducerLinger(300 * time.Millisecond))
	defer client.Close()
	for index, at := range times {
		record := &kgo.Record{Topic: topic, Value: []byte{byte(index)}, Timestamp: time.UnixMilli(at)}
		if apart {
			none(client.ProduceSync(b.ctx, record).FirstErr())
		} else {
			client.Produce(b.ctx, record, func(_ *kgo.Record, err error) { none(err) })
		}
	}
	none(client.Flush(b.ctx))
	return topic
}

func at(topic string, offset kgo.Offset, partitions int32) kgo.Opt {
	assigned := map[int32]kgo.Offset{}
	for partition := range partitions {
		assigned[partition] = offset
	}
	return kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: assigned})
}

func (b broker) take(client *kgo.Client, count int, wait time.Duration) []*kgo.Record {
	ctx, cancel := context.WithTimeout(b.ctx, wait)
	defer cancel()
	var found []*kgo.Record
	for len(found) < count && ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		for _, failed := range fetches.Errors() {
			if ctx.Err() == nil {
				fail("%v", failed.Err)
			}
		}
		found = append(found, fetches.Records()...)
	}
	return found
}

func (b broker) offsets(topic string, from kgo.Offset, count int, opts ...kgo.Opt) []int64 {
	client := newClient(append(opts, at(topic, from, 1))...)
	defer client.Close()
	out := []int64{}
	for _, record := range b.take(client, count, 30*time.Second) {
		out = append(out, record.Offset)
	}
	return out
}

func count(from, until int64) []int64 {
	out := []int64{}
	for ; from < until; from++ {
		out = append(out, from)
	}
	return out
}

func checks(string) error {
	client := newClient()
	defer client.Close()
	b := broker{ctx: context.Background(), admin: kadm.NewClient(client)}
	b.adminChecks()
	b.offsetChecks()
	b.recordChecks()
	return nil
}
