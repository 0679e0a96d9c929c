// One group member, in either protocol; what it prints is told in driver/membership.py.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type memberOptions struct {
	Group       string `json:"group"`
	Topic       string `json:"topic"`
	Protocol    string `json:"protocol"`
	Assignor    string `json:"assignor"`
	Instance    string `json:"instance"`
	SessionMs   int    `json:"session_ms"`
	HeartbeatMs int    `json:"heartbeat_ms"`
}

var linesLock sync.Mutex

// say prints one line.
func say(event string, fields map[string]any) {
	linesLock.Lock()
	defer linesLock.Unlock()
	line := map[string]any{"t": float64(time.Now().UnixMicro()) / 1000, "e": event}
	for name, value := range fields {
		line[name] = value
	}
	encoded, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(encoded))
}

func tellPartitions(event, topic string) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, places map[string][]int32) {
		if partitions := slices.Sorted(slices.Values(places[topic])); len(partitions) > 0 {
			say(event, map[string]any{"p": partitions})
		}
	}
}

func memberClient(options memberOptions) (*kgo.Client, error) {
	balancers := map[string]kgo.GroupBalancer{
		"range": kgo.RangeBalancer(), "uniform": kgo.StickyBalancer(), "cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}
	settings := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumerGroup(options.Group),
		kgo.ConsumeTopics(options.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.Balancers(balancers[options.Assignor]),
		kgo.OnPartitionsAssigned(tellPartitions("assigned", options.Topic)),
		kgo.OnPartitionsRevoked(tellPartitions("revoked", options.Topic)),
		kgo.OnPartitionsLost(tellPartitions("lost", options.Topic)),
		kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }),
	}
	if options.Protocol == "consumer" {
		settings = append(settings, kgo.ServerSideBalancer())
	} else {
		settings = append(settings,
			kgo.SessionTimeout(time.Duration(options.SessionMs)*time.Millisecond),
			kgo.HeartbeatInterval(time.Duration(options.HeartbeatMs)*time.Millisecond))
	}
	if options.Instance != "" {
		settings = append(settings, kgo.InstanceID(options.Instance))
	}
	return kgo.NewClient(settings...)
}

// member consumes until told to stop.
func member(text string) error {
	var options memberOptions
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		return err
	}
	client, err := memberClient(options)
	if err != nil {
		return err
	}
	stopped, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	for stopped.Err() == nil {
		fetches := client.PollRecords(stopped, 500)
		records := fetches.Records()
		for start := 0; start < len(records); {
			end := start + 1
			for end < len(records) && records[end].Partition == records[start].Partition && records[end].Offset == records[end-1].Offset+1 {
				end++
			}
			say("records", map[string]any{"p": records[start].Partition, "f": records[start].Offset, "l": records[end-1].Offset})
			start = end
		}
		if len(records) > 0 {
			commit(client, records)
		}
		client.AllowRebalance()
	}
	client.Close()
	say("closed", nil)
	return nil
}

func commit(client *kgo.Client, records []*kgo.Record) {
	next := map[int32]int64{}
	for _, record := range records {
		next[record.Partition] = record.Offset + 1
	}
	limited, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := client.CommitRecords(limited, records...); err != nil {
		say("refused", map[string]any{"why": err.Error()})
		return
	}
	say("committed", map[string]any{"o": next})
}
