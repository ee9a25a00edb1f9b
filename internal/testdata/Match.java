import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.Map;
import java.util.TreeSet;
import software.amazon.event.ruler.Machine;

/**
 * Matches events with the library that AWS runs in EventBridge. Reads {"rules": {name: pattern}, "events": [event]}, and
 * prints for each event the names of the rules that match it: [[name, ...], ...]. A pattern that AWS would refuse is an error.
 */
public class Match {
    public static void main(String[] args) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        JsonNode input = mapper.readTree(System.in);
        Machine machine = Machine.builder().build();
        for (Map.Entry<String, JsonNode> rule : input.get("rules").properties()) {
            machine.addRule(rule.getKey(), rule.getValue().toString());
        }
        ArrayNode answer = mapper.createArrayNode();
        for (JsonNode event : input.get("events")) {
            answer.add(mapper.valueToTree(new TreeSet<>(machine.rulesForJSONEvent(event))));
        }
        mapper.writeValue(System.out, answer);
    }
}
