// Reads every listed topic from start to end by assignment, and writes what came as JSON lines.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const largeBytes = 65536

type row struct {
	P int32    `json:"p"`
	O int64    `json:"o"`
	T int64    `json:"t"`
	K *string  `json:"k"`
	V *string  `json:"v"`
	H [][2]any `json:"h"`
}

func decode(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	if data == nil {
		data = []byte{}
	}
	return data
}

func digest(data []byte) *string {
	if data == nil {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(data)
	if len(data) > largeBytes {
		text = fmt.Sprintf("sha256:%x:%d", sha256.Sum256(data), len(data))
	}
	return &text
}

func read(folder string) error {
	var topics []struct {
		Topic      string `json:"topic"`
		Partitions int32  `json:"partitions"`
	}
	text, err := os.ReadFile(filepath.Join(folder, "topics.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &topics); err != nil {
		return err
	}
	files := map[string]*bufio.Writer{}
	names := []string{}
	assigned := map[string]map[int32]kgo.Offset{}
	for _, topic := range topics {
		file, err := os.Create(filepath.Join(folder, "read/franz-go", topic.Topic+".jsonl"))
		if err != nil {
			return err
		}
		defer file.Close()
		files[topic.Topic] = bufio.NewWriter(file)
		names = append(names, topic.Topic)
		assigned[topic.Topic] = map[int32]kgo.Offset{}
		for partition := range topic.Partitions {
			assigned[topic.Topic][partition] = kgo.NewOffset().At(0)
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(assigned), kgo.FetchMaxWait(500*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(context.Background(), names...)
	if err != nil {
		return err
	}
	missing := map[string]map[int32]int64{}
	left := 0
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			if missing[end.Topic] == nil {
				missing[end.Topic] = map[int32]int64{}
			}
			missing[end.Topic][end.Partition] = end.Offset
			left++
		}
	})
	for left > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		fetches := client.PollFetches(ctx)
		cancel()
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("%s/%d: %w, %d partitions are not at their end", failed.Topic, failed.Partition, failed.Err, left)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			line := row{P: record.Partition, O: record.Offset, T: record.Timestamp.UnixMilli(), K: digest(record.Key), V: digest(record.Value), H: [][2]any{}}
			for _, header := range record.Headers {
				line.H = append(line.H, [2]any{header.Key, digest(header.Value)})
			}
			text, err := json.Marshal(line)
			if err != nil {
				panic(err)
			}
			files[record.Topic].Write(append(text, '\n'))
			if end, ok := missing[record.Topic][record.Partition]; ok && record.Offset+1 >= end {
				delete(missing[record.Topic], record.Partition)
				left--
			}
		})
	}
	for _, file := range files {
		if err := file.Flush(); err != nil {
			return err
		}
	}
	return nil
}
