"""A graph as C: for exactly one network, batch and precision, laid out as a person would write it.

Knows passes over the data, the lanes of a processor and the threads that share a step; not how C
is compiled, loaded or called. In order: the processor (`machine`), what C can express (`slides`,
`loops`, `words`), the graph in these ops (`rewrite`), when and where each value is computed
(`placing`, `rows`, `plan`), and the text (`scope`, `passes`, `program`, `source`).
"""
