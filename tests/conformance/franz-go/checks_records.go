// What producers and consumers see.
package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func (b broker) recordChecks() {
	check("producing to an unknown topic creates it", func() {
		client := newClient(kgo.AllowAutoTopicCreation())
		defer client.Close()
		record := must(client.ProduceSync(b.ctx, &kgo.Record{Topic: "franz.check.auto-created", Value: []byte("v")}).First())
		equal(record.Offset, int64(0))
	})
	check("a read of an unknown topic does not create it", func() {
		equal(must(b.admin.ListTopics(b.ctx, "franz.check.unknown"))["franz.check.unknown"].Err, error(kerr.UnknownTopicOrPartition))
	})
	check("record over max.message.bytes is refused", func() {
		topic := b.topic("too-large", 1, map[string]*string{"max.message.bytes": kadm.StringPtr("1000")})
		client := newClient(kgo.ProducerBatchCompression(kgo.NoCompression()))
		defer client.Close()
		refused(client.ProduceSync(b.ctx, &kgo.Record{Topic: topic, Value: make([]byte, 2000)}).FirstErr(), kerr.MessageTooLarge)
	})
	check("idempotent producer with requests in flight", func() {
		topic := b.topic("in-flight", 2, nil)
		client := newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(20))
		defer client.Close()
		var wrong error
		for index := range int64(3000) {
			client.Produce(b.ctx, &kgo.Record{Topic: topic, Partition: int32(index % 2), Value: make([]byte, 40)}, func(record *kgo.Record, err error) {
				if err != nil {
					wrong = err
				} else if record.Offset != index/2 {
					wrong = fmt.Errorf("record %d at offset %d", index, record.Offset)
				}
			})
		}
		none(client.Flush(b.ctx))
		none(wrong)
	})
	for _, apart := range []bool{true, false} {
		name := map[bool]string{true: "ten batches", false: "one batch"}[apart]
		check("seek by offset, "+name, func() {
			topic := b.filled(fmt.Sprintf("seek-%v", apart), apart)
			for _, first := range []int64{0, 4, 9} {
				equal(b.offsets(topic, kgo.NewOffset().At(first), int(10-first)), count(first, 10))
			}
		})
	}
	check("seek by time", func() {
		topic := b.filled("seek-time", true)
		equal(b.offsets(topic, kgo.NewOffset().AfterMilli(3500), 7), count(3, 10))
	})
	check("seek relative to the end", func() {
		equal(b.offsets(b.filled("seek-end", true), kgo.NewOffset().AtEnd().Relative(-3), 3), count(7, 10))
	})
	check("offset out of range is reset", func() {
		topic := b.filled("out-of-range", true)
		equal(b.offsets(topic, kgo.NewOffset().At(99), 10, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())), count(0, 10))
	})
	check("tiny fetch limits still make progress", func() {
		topic := b.filled("tiny", false)
		equal(b.offsets(topic, kgo.NewOffset().At(0), 10, kgo.FetchMaxBytes(1), kgo.FetchMaxPartitionBytes(1)), count(0, 10))
	})
	check("a waiting consumer is woken by the append", b.woken)
	check("a thousand partitions in one consumer", b.thousand)
}

func (b broker) woken() {
	topic := b.topic("woken", 1, nil)
	reader := newClient(at(topic, kgo.NewOffset().At(0), 1), kgo.FetchMaxWait(5*time.Second))
	defer reader.Close()
	equal(len(b.take(reader, 1, time.Second)), 0)
	writer := newClient()
	defer writer.Close()
	none(writer.ProduceSync(b.ctx, &kgo.Record{Topic: topic, Value: []byte("v")}).FirstErr())
	start := time.Now()
	equal(len(b.take(reader, 1, 20*time.Second)), 1)
	equal(time.Since(start) < 2500*time.Millisecond, true)
}

func (b broker) thousand() {
	topic := b.topic("thousand", 1000, nil)
	writer := newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(100*time.Millisecond))
	defer writer.Close()
	var wrong error
	for value := range 3 {
		for partition := range int32(1000) {
			writer.Produce(b.ctx, &kgo.Record{Topic: topic, Partition: partition, Value: []byte{byte(value)}}, func(_ *kgo.Record, err error) {
				if err != nil {
					wrong = err
				}
			})
		}
	}
	none(writer.Flush(b.ctx))
	none(wrong)
	reader := newClient(at(topic, kgo.NewOffset().At(0), 1000))
	defer reader.Close()
	seen := map[string]bool{}
	for _, record := range b.take(reader, 3000, time.Minute) {
		equal(int64(record.Value[0]), record.Offset)
		seen[fmt.Sprint(record.Partition, "/", record.Offset)] = true
	}
	equal(len(seen), 3000)
	none(must(b.admin.DeleteTopics(b.ctx, topic)).Error())
}
