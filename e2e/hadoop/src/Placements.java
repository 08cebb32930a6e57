package anabranch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.server.federation.resolver.MultipleDestinationMountTableResolver;
import org.apache.hadoop.hdfs.server.federation.resolver.RemoteLocation;
import org.apache.hadoop.hdfs.server.federation.resolver.order.DestinationOrder;
import org.apache.hadoop.hdfs.server.federation.store.records.MountTable;

/**
 * Where the Java router's own classes place paths.
 *
 * <p>A request is one JSON line {@code {"default":"ns0","near":"ns1","mounts":[{"source":"/m",
 * "order":"HASH","to":[["ns0","/a"]]}],"paths":["/m/x"]}}; {@code default} may be null. Its answer is
 * one line {@code {"places":[["ns0:/a/x"]]}} with null for a path that has no place. Orders that ask
 * the federation take {@code near} first.
 */
public final class Placements {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Placements() {}

  public static void main(String[] args) throws Exception {
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      answers.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
    }
    Runtime.getRuntime().halt(0);
  }

  private static ObjectNode answer(JsonNode request) throws Exception {
    Configuration conf = new HdfsConfiguration();
    conf.addResource("hdfs-rbf-default.xml");
    JsonNode byDefault = request.path("default");
    conf.setBoolean("dfs.federation.router.default.nameservice.enable", !byDefault.isNull());
    conf.set("dfs.federation.router.default.nameserviceId", byDefault.asText(""));
    MultipleDestinationMountTableResolver resolver = new MultipleDestinationMountTableResolver(conf, null);
    String near = request.path("near").asText();
    resolver.addResolver(DestinationOrder.LOCAL, (path, location) -> near);
    resolver.addResolver(DestinationOrder.SPACE, (path, location) -> near);
    for (JsonNode mount : request.path("mounts")) {
      String source = mount.path("source").asText();
      List<RemoteLocation> destinations = new ArrayList<>();
      mount.path("to").forEach(to -> destinations.add(
          new RemoteLocation(to.path(0).asText(), to.path(1).asText(), source)));
      MountTable entry = MountTable.newInstance(source, Map.of("ns0", "/"));
      entry.setDestinations(destinations);
      entry.setDestOrder(DestinationOrder.valueOf(mount.path("order").asText()));
      resolver.addEntry(entry);
    }
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode places = answer.putArray("places");
    for (JsonNode path : request.path("paths")) {
      List<RemoteLocation> found;
      try {
        found = resolver.getDestinationForPath(path.asText()).getDestinations();
      } catch (IOException nowhere) {
        places.addNull();
        continue;
      }
      ArrayNode place = places.addArray();
      found.forEach(location -> place.add(location.getNameserviceId() + ":" + location.getDest()));
    }
    return answer;
  }
}
