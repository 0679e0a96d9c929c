// Topics, configs, cluster and offsets through kadm.
package main

import (
	"fmt"
	"sort"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func (b broker) config(topic, name string) string {
	for _, resource := range must(b.admin.DescribeTopicConfigs(b.ctx, topic)) {
		none(resource.Err)
		for _, config := range resource.Configs {
			if config.Key == name {
				return config.MaybeValue()
			}
		}
	}
	fail("no config %s", name)
	return ""
}

func (b broker) alter(topic string, operation kadm.IncrementalOp, name, value string) error {
	answers := must(b.admin.AlterTopicConfigs(b.ctx, []kadm.AlterConfig{{Op: operation, Name: name, Value: &value}}, topic))
	return answers[0].Err
}

func (b broker) adminChecks() {
	check("create, list and describe topic", func() {
		topic := must(b.admin.ListTopics(b.ctx, b.topic("created", 4, nil)))["franz.check.created"]
		equal(topic.ID == kadm.TopicID{}, false)
		for _, partition := range topic.Partitions.Sorted() {
			equal([]int{len(partition.Replicas), len(partition.ISR)}, []int{1, 1})
		}
	})
	check("bad topics are refused", func() {
		topic := b.topic("twice", 1, nil)
		create := func(topic string, partitions int32, replicas int16, configs map[string]*string) error {
			_, err := b.admin.CreateTopic(b.ctx, partitions, replicas, configs, topic)
			return err
		}
		refused(create(topic, 1, -1, nil), kerr.TopicAlreadyExists)
		refused(create("no/slash", 1, -1, nil), kerr.InvalidTopicException)
		refused(create("..", 1, -1, nil), kerr.InvalidTopicException)
		refused(create("franz.bad", 0, -1, nil), kerr.InvalidPartitions)
		refused(create("franz.bad", 1, 3, nil), kerr.InvalidReplicationFactor)
		refused(create("franz.bad", 1, -1, map[string]*string{"retention.ms": kadm.StringPtr("soon")}), kerr.InvalidConfig)
	})
	check("create partitions", func() {
		topic := b.topic("grown", 2, nil)
		none(must(b.admin.UpdatePartitions(b.ctx, 6, topic)).Error())
		eventually(func() { equal(len(must(b.admin.ListTopics(b.ctx, topic))[topic].Partitions), 6) })
		refused(must(b.admin.UpdatePartitions(b.ctx, 3, topic)).Error(), kerr.InvalidPartitions)
	})
	check("delete topic", func() {
		topic := b.topic("deleted", 1, nil)
		none(must(b.admin.DeleteTopics(b.ctx, topic)).Error())
		eventually(func() { refused(must(b.admin.ListTopics(b.ctx, topic))[topic].Err, kerr.UnknownTopicOrPartition) })
		refused(must(b.admin.DeleteTopics(b.ctx, topic)).Error(), kerr.UnknownTopicOrPartition)
	})
	check("describe and alter configs", func() {
		topic := b.topic("configs", 1, map[string]*string{"max.message.bytes": kadm.StringPtr("2000000")})
		equal(b.config(topic, "max.message.bytes"), "2000000")
		equal(b.config(topic, "retention.ms"), "604800000")
		none(b.alter(topic, kadm.SetConfig, "retention.ms", "777777"))
		eventually(func() { equal(b.config(topic, "retention.ms"), "777777") })
		none(b.alter(topic, kadm.DeleteConfig, "retention.ms", ""))
		eventually(func() { equal(b.config(topic, "retention.ms"), "604800000") })
		refused(b.alter(topic, kadm.SetConfig, "compression.type", "brotli"), kerr.InvalidConfig)
	})
	check("describe cluster", func() {
		metadata := must(b.admin.BrokerMetadata(b.ctx))
		equal(len(metadata.Brokers), 1)
		equal(fmt.Sprintf("%s:%d", metadata.Brokers[0].Host, metadata.Brokers[0].Port), bootstrap)
		equal(metadata.Controller, metadata.Brokers[0].NodeID)
	})
	check("describe log directories", func() {
		topic := b.filled("on-disk", true)
		eventually(func() {
			found := 0
			must(b.admin.DescribeAllLogDirs(b.ctx, nil)).Each(func(directory kadm.DescribedLogDir) {
				directory.Topics.Each(func(partition kadm.DescribedLogDirPartition) {
					if partition.Topic == topic && partition.Size > 0 {
						found++
					}
				})
			})
			equal(found, 1)
		})
	})
}

func (b broker) offsetChecks() {
	for _, apart := range []bool{true, false} {
		name := map[bool]string{true: "ten batches", false: "one batch"}[apart]
		check("list offsets, "+name, func() {
			topic := b.filled(fmt.Sprintf("offsets-%v", apart), apart)
			one := func(listed kadm.ListedOffsets, err error) []int64 {
				offset, _ := must(listed, err).Lookup(topic, 0)
				none(offset.Err)
				return []int64{offset.Offset, offset.Timestamp}
			}
			equal(one(b.admin.ListStartOffsets(b.ctx, topic))[0], int64(0))
			equal(one(b.admin.ListEndOffsets(b.ctx, topic))[0], int64(10))
			equal(one(b.admin.ListCommittedOffsets(b.ctx, topic))[0], int64(10))
			equal(one(b.admin.ListMaxTimestampOffsets(b.ctx, topic)), []int64{3, 9000})
			equal(one(b.admin.ListOffsetsAfterMilli(b.ctx, 1001, topic)), []int64{1, 2000})
			equal(one(b.admin.ListOffsetsAfterMilli(b.ctx, 3500, topic)), []int64{3, 9000})
			// Beyond the last timestamp kadm answers the end.
			equal(one(b.admin.ListOffsetsAfterMilli(b.ctx, 9001, topic))[0], int64(10))
		})
	}
	check("offset for leader epoch", func() {
		topic := b.filled("epochs", true)
		request := kadm.OffsetForLeaderEpochRequest{}
		request.Add(topic, 0, 0)
		answer := must(b.admin.OffsetForLeaderEpoch(b.ctx, request))[topic][0]
		none(answer.Err)
		equal([]int64{int64(answer.LeaderEpoch), answer.EndOffset}, []int64{0, 10})
	})
	check("delete records", func() {
		topic := b.filled("trimmed", true)
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 4, -1)
		none(must(b.admin.DeleteRecords(b.ctx, offsets)).Error())
		start, _ := must(b.admin.ListStartOffsets(b.ctx, topic)).Lookup(topic, 0)
		equal(start.Offset, int64(4))
		equal(b.offsets(topic, kgo.NewOffset().AtStart(), 6), count(4, 10))
	})
	check("describe producers", func() {
		topic := b.filled("producers", true)
		var topics kadm.TopicsSet
		topics.Add(topic, 0)
		producers := must(b.admin.DescribeProducers(b.ctx, topics)).SortedProducers()
		equal(len(producers), 1)
		equal(producers[0].LastSequence, int32(9))
	})
	check("the apis a broker tells", func() {
		versions := must(b.admin.ApiVersions(b.ctx)).Sorted()
		equal(len(versions), 1)
		var keys []int
		versions[0].EachKeySorted(func(key, _, _ int16) { keys = append(keys, int(key)) })
		equal(sort.IntsAreSorted(keys) && len(keys) > 15, true)
	})
}
