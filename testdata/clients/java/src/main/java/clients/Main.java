package clients;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache's kafka-clients as a program of the matrix (testdata/clients/README.md). */
public final class Main {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[1]);
        switch (args[0]) {
            case "create" -> create(config, args[2], Integer.parseInt(args[3]));
            case "produce" -> produce(config, args[2], args[3], Integer.parseInt(args[4]), Long.parseLong(args[5]));
            case "consume" -> consume(config, args[2], args[3], args[4]);
            case "committed" -> committed(config, args[2], args[3]);
            default -> throw new IllegalArgumentException("no command " + args[0]);
        }
    }

    static void create(Properties config, String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(config)) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 3))).all().get();
        }
    }

    static void produce(Properties config, String topic, String mode, int count, long base) throws Exception {
        switch (mode) {
            case "default" -> { } // idempotent since 3.0
            case "idempotent" -> config.put("enable.idempotence", "true");
            default -> config.put("compression.type", mode);
        }
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            List<String> values = new ArrayList<>();
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                String value = mode + "-" + i + "-" + "x".repeat(100);
                ProducerRecord<String, String> r = new ProducerRecord<>(topic, null, base + i, "k" + i, value);
                r.headers().add("n", Integer.toString(i).getBytes(StandardCharsets.UTF_8));
                values.add(value);
                sent.add(producer.send(r));
            }
            for (int i = 0; i < count; i++) {
                RecordMetadata done = sent.get(i).get();
                System.out.printf("{\"v\":\"%s\",\"p\":%d,\"o\":%d}%n", values.get(i), done.partition(), done.offset());
            }
        }
    }

    static void consume(Properties config, String topic, String group, String protocol) {
        config.putAll(Map.of("group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", "false", "group.protocol", protocol));
        if (protocol.equals("classic")) {
            config.put("session.timeout.ms", "10000");
            config.put("heartbeat.interval.ms", "500");
        }
        AtomicBoolean ended = new AtomicBoolean();
        Thread watch = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                ended.set(true);
            }
        });
        watch.setDaemon(true);
        watch.start();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (!ended.get()) {
                for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(100))) {
                    String n = "";
                    for (Header h : r.headers()) {
                        n = new String(h.value(), StandardCharsets.UTF_8);
                    }
                    System.out.printf("{\"p\":%d,\"o\":%d,\"k\":\"%s\",\"v\":\"%s\",\"n\":\"%s\",\"t\":%d}%n", r.partition(), r.offset(), r.key(), r.value(), n, r.timestamp());
                }
                System.out.flush();
                try {
                    consumer.commitSync();
                } catch (CommitFailedException | org.apache.kafka.common.errors.RebalanceInProgressException e) {
                    System.err.println("java: commit: " + e.getMessage()); // what isn't committed is read again
                }
            }
        }
    }

    static void committed(Properties config, String topic, String group) throws Exception {
        try (Admin admin = Admin.create(config)) {
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().forEach((tp, o) -> {
                if (tp.topic().equals(topic)) {
                    System.out.printf("{\"p\":%d,\"o\":%d}%n", tp.partition(), o.offset());
                }
            });
        }
    }
}
