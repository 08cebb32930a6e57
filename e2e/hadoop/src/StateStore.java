package anabranch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.server.federation.metrics.StateStoreMetrics;
import org.apache.hadoop.hdfs.server.federation.store.driver.StateStoreDriver;
import org.apache.hadoop.hdfs.server.federation.store.driver.StateStoreSerializer;
import org.apache.hadoop.hdfs.server.federation.store.driver.impl.StateStoreZooKeeperImpl;
import org.apache.hadoop.hdfs.server.federation.store.records.BaseRecord;
import org.apache.hadoop.hdfs.server.federation.store.records.DisabledNameservice;
import org.apache.hadoop.hdfs.server.federation.store.records.MembershipState;
import org.apache.hadoop.hdfs.server.federation.store.records.MountTable;
import org.apache.hadoop.hdfs.server.federation.store.records.RouterState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;

/**
 * The Java router's own driver of a state store in ZooKeeper, and ZooKeeper's own client beside it.
 *
 * <p>{@code StateStore CONNECT [key=value]...} reads one request a line and answers each by one line.
 * Keys that begin with {@code java.} or {@code jute.} are system properties, the others Hadoop's.
 * Messages of records travel as the base64 that the driver stores.
 */
public final class StateStore {
  private static final Map<String, Class<? extends BaseRecord>> KINDS = new LinkedHashMap<>();

  static {
    KINDS.put("MountTable", MountTable.class);
    KINDS.put("MembershipState", MembershipState.class);
    KINDS.put("RouterState", RouterState.class);
    KINDS.put("DisabledNameservice", DisabledNameservice.class);
  }

  private final ObjectMapper mapper = new ObjectMapper();
  private final Configuration conf = new Configuration();
  private final StateStoreSerializer serializer;
  private final StateStoreDriver driver = new StateStoreZooKeeperImpl();
  private final ZooKeeper plain;

  private StateStore(String[] args) throws Exception {
    conf.set("hadoop.zk.address", args[0]);
    for (int i = 1; i < args.length; i++) {
      String[] setting = args[i].split("=", 2);
      if (setting[0].startsWith("java.") || setting[0].startsWith("jute.")) {
        System.setProperty(setting[0], setting[1]);
      } else {
        conf.set(setting[0], setting[1]);
      }
    }
    serializer = StateStoreSerializer.getSerializer(conf);
    plain = new ZooKeeper(args[0], 30_000, event -> { });
    StateStoreMetrics metrics = StateStoreMetrics.create(conf);
    if (!driver.init(conf, "test", KINDS.values(), metrics)) {
      throw new IllegalStateException("the driver does not start");
    }
  }

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    StateStore store = new StateStore(args);
    answers.println("{}");
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      ObjectNode answer = store.mapper.createObjectNode();
      try {
        store.serve(store.mapper.readTree(line), answer);
      } catch (Exception e) {
        e.printStackTrace();
        answer.put("error", e.toString());
      }
      answers.println(answer);
    }
    Runtime.getRuntime().halt(0);
  }

  private void serve(JsonNode request, ObjectNode answer) throws Exception {
    String path = request.path("path").asText();
    byte[] data = request.path("data").asText().getBytes(StandardCharsets.ISO_8859_1);
    switch (request.path("do").asText()) {
      case "put":
        answer.put("done", driver.put(record(request), true, false));
        break;
      case "remove":
        answer.put("done", driver.remove(record(request)));
        break;
      case "list":
        Map<String, String> found = new TreeMap<>();
        for (BaseRecord record : driver.get(kind(request)).getRecords()) {
          found.put(record.getPrimaryKey(), serializer.serializeString(record));
        }
        answer.set("records", mapper.valueToTree(found));
        break;
      case "create":
        plain.create(path, data, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        break;
      case "set":
        plain.setData(path, data, -1);
        break;
      case "delete":
        plain.delete(path, -1);
        break;
      case "get":
        byte[] got = plain.getData(path, false, null);
        answer.put("data", got == null ? "" : new String(got, StandardCharsets.ISO_8859_1));
        break;
      case "children":
        answer.set("children", mapper.valueToTree(plain.getChildren(path, false)));
        break;
      case "acl":
        List<ACL> acl = plain.getACL(path, null);
        answer.put("acl", acl.toString());
        break;
      default:
        throw new IllegalArgumentException(request.toString());
    }
  }

  private Class<? extends BaseRecord> kind(JsonNode request) {
    return KINDS.get(request.path("kind").asText());
  }

  private BaseRecord record(JsonNode request) throws Exception {
    return serializer.deserialize(request.path("message").asText(), kind(request));
  }
}
