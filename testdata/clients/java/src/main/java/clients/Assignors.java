package clients;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.MemberAssignment;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

/**
 * Reads groups as broker/group/testdata/assignments.txt has them, and writes them with what Kafka's own assignors of KIP-848 give to their
 * members; what stands there of that already is left out.
 *
 * <pre>
 * topics 3 1                                   partitions of topics 0 and 1
 * m0 instance=i2 topics=0,1 had=0:1,1:0        a member
 * range m0=0:1,0:2 m1=...                      written: what each member gets
 * uniform ...
 * </pre>
 */
public final class Assignors {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        List<String> block = new ArrayList<>();
        for (String line = in.readLine(); ; line = in.readLine()) {
            if (line != null && !line.isEmpty()) {
                if (!line.startsWith("range ") && !line.startsWith("uniform ")) {
                    block.add(line);
                }
                continue;
            }
            if (!block.isEmpty()) {
                answer(block);
                block.clear();
            }
            if (line == null) {
                return;
            }
        }
    }

    private static Uuid topic(int n) {
        return new Uuid(0, n + 1);
    }

    private static void answer(List<String> block) {
        String[] counts = block.get(0).split(" ");
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new LinkedHashMap<>();
        Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
        Set<Set<Uuid>> subscriptions = new HashSet<>();
        for (String line : block.subList(1, block.size())) {
            String[] words = line.split(" ");
            Optional<String> instance = Optional.empty();
            Set<Uuid> topics = new HashSet<>();
            Map<Uuid, Set<Integer>> had = new HashMap<>();
            for (String word : words) {
                String value = word.substring(word.indexOf('=') + 1);
                if (word.startsWith("instance=")) {
                    instance = Optional.of(value);
                } else if (word.startsWith("topics=")) {
                    for (String t : value.split(",")) {
                        topics.add(topic(Integer.parseInt(t)));
                    }
                } else if (word.startsWith("had=")) {
                    for (String p : value.split(",")) {
                        Uuid t = topic(Integer.parseInt(p.split(":")[0]));
                        int n = Integer.parseInt(p.split(":")[1]);
                        had.computeIfAbsent(t, x -> new HashSet<>()).add(n);
                        owners.computeIfAbsent(t, x -> new HashMap<>()).put(n, words[0]);
                    }
                }
            }
            subscriptions.add(topics);
            members.put(words[0], new MemberSubscriptionAndAssignmentImpl(Optional.empty(), instance, topics, new Assignment(had)));
        }
        SubscribedTopicDescriber describer = new SubscribedTopicDescriber() {
            @Override
            public int numPartitions(Uuid t) {
                long n = t.getLeastSignificantBits();
                return n < counts.length ? Integer.parseInt(counts[(int) n]) : -1;
            }

            @Override
            public Set<String> racksForPartition(Uuid t, int partition) {
                return Set.of();
            }
        };
        SubscriptionType type = subscriptions.size() == 1 ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS;
        for (String line : block) {
            System.out.println(line);
        }
        for (ConsumerGroupPartitionAssignor assignor : List.of(new RangeAssignor(), new UniformAssignor())) {
            Map<String, MemberAssignment> given = assignor.assign(new GroupSpecImpl(members, type, owners), describer).members();
            StringBuilder out = new StringBuilder(assignor.name());
            for (String id : members.keySet()) {
                out.append(' ').append(id).append('=');
                MemberAssignment a = given.get(id);
                Map<Long, Set<Integer>> sorted = new TreeMap<>();
                if (a != null) {
                    a.partitions().forEach((t, parts) -> sorted.put(t.getLeastSignificantBits() - 1, new TreeSet<>(parts)));
                }
                String comma = "";
                for (Map.Entry<Long, Set<Integer>> e : sorted.entrySet()) {
                    for (int n : e.getValue()) {
                        out.append(comma).append(e.getKey()).append(':').append(n);
                        comma = ",";
                    }
                }
            }
            System.out.println(out);
        }
        System.out.println();
    }
}
