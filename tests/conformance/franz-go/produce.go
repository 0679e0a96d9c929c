// Creates the topics of the manifests and produces their records in order.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type manifest struct {
	Topic      string            `json:"topic"`
	Partitions int32             `json:"partitions"`
	Codec      string            `json:"codec"`
	Acks       any               `json:"acks"`
	Idempotent bool              `json:"idempotent"`
	Configs    map[string]string `json:"configs"`
	records    []line
}

// One record; encoding/json reads base64 into []byte and null into nil.
type line struct {
	P     int32   `json:"p"`
	K     []byte  `json:"k"`
	V     []byte  `json:"v"`
	H     [][]any `json:"h"`
	T     *int64  `json:"t"`
	Flush bool    `json:"flush"`
}

func load(path string) (manifest, error) {
	var out manifest
	file, err := os.Open(path)
	if err != nil {
		return out, err
	}
	defer file.Close()
	decoder := json.NewDecoder(bufio.NewReader(file))
	if err := decoder.Decode(&out); err != nil {
		return out, err
	}
	for decoder.More() {
		var next line
		if err := decoder.Decode(&next); err != nil {
			return out, err
		}
		out.records = append(out.records, next)
	}
	return out, nil
}

func produce(folder string) error {
	paths, err := filepath.Glob(filepath.Join(folder, "produce/franz-go/*.jsonl"))
	if err != nil {
		return err
	}
	sort.Strings(paths)
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, path := range paths {
		todo, err := load(path)
		if err != nil {
			return err
		}
		configs := map[string]*string{}
		for name, value := range todo.Configs {
			configs[name] = &value
		}
		if _, err := admin.CreateTopic(context.Background(), todo.Partitions, -1, configs, todo.Topic); err != nil {
			return fmt.Errorf("create %s: %w", todo.Topic, err)
		}
	}
	for _, path := range paths {
		todo, err := load(path)
		if err != nil {
			return err
		}
		if err := produceOne(folder, todo); err != nil {
			return fmt.Errorf("%s: %w", todo.Topic, err)
		}
	}
	return nil
}

func options(todo manifest) []kgo.Opt {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acks := map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()}
	out := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[todo.Codec]),
		kgo.RequiredAcks(acks[fmt.Sprint(todo.Acks)]),
		kgo.ProducerLinger(50 * time.Millisecond),
		kgo.ProducerBatchMaxBytes(12_000_000),
		kgo.BrokerMaxWriteBytes(100 << 20),
	}
	if !todo.Idempotent {
		out = append(out, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	return out
}

func produceOne(folder string, todo manifest) error {
	client, err := kgo.NewClient(options(todo)...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	records := make([]*kgo.Record, len(todo.records))
	errs := make([]error, len(todo.records))
	for index, next := range todo.records {
		record := &kgo.Record{Topic: todo.Topic, Partition: next.P, Key: next.K, Value: next.V}
		if next.T != nil {
			record.Timestamp = time.UnixMilli(*next.T)
		}
		for _, pair := range next.H {
			header := kgo.RecordHeader{Key: pair[0].(string)}
			if pair[1] != nil {
				header.Value = decode(pair[1].(string))
			}
			record.Headers = append(record.Headers, header)
		}
		records[index] = record
		client.Produce(ctx, record, func(_ *kgo.Record, err error) { errs[index] = err })
		if next.Flush {
			if err := client.Flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(folder, "acks", todo.Topic+".jsonl"))
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	for index, record := range records {
		if errs[index] != nil {
			return fmt.Errorf("record %d: %w", index, errs[index])
		}
		offset := record.Offset
		if fmt.Sprint(todo.Acks) == "0" {
			offset = -1 // the client counts from zero when it is told nothing
		}
		fmt.Fprintf(out, "{\"i\":%d,\"p\":%d,\"o\":%d}\n", index, record.Partition, offset)
	}
	return out.Flush()
}
