package peers;

import java.io.IOException;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.ContentCachingResponseWrapper;

/** With {@code only=}, whoever asks this server for its types hears of these only: what is examined is what the examiner hears of. */
@Component
public class TypesFilter extends OncePerRequestFilter
{
    /** The names of the types that are told; empty: all. */
    static volatile Set<String> only = Set.of();

    private final ObjectMapper mapper = new ObjectMapper();

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request)
    {
        return only.isEmpty() || !request.getRequestURI().contains("/repository-services/users/") || !request.getRequestURI().contains("/types/");
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain) throws ServletException, IOException
    {
        ContentCachingResponseWrapper whole = new ContentCachingResponseWrapper(response);
        chain.doFilter(request, whole);
        JsonNode answer = mapper.readTree(whole.getContentAsByteArray());
        if (answer instanceof ObjectNode body && body.get("typeDefs") instanceof ArrayNode types)
        {
            ArrayNode told = mapper.createArrayNode();
            types.forEach(type -> { if (only.contains(type.path("name").asText())) { told.add(type); } });
            body.set("typeDefs", told);
            whole.resetBuffer();
            whole.getOutputStream().write(mapper.writeValueAsBytes(body));
        }
        whole.copyBodyToResponse();
    }
}
