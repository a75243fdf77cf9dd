from llmner_hf.readers.plain import read


def test_a_file_is_one_document_and_keeps_its_line_ends(write):
    path = write("note.txt", "\ufeff one\r\n\ntwo \n")
    (example,) = read(path, dataset="toy", language=None).examples
    assert (example.id, example.text, example.language) == ("note", " one\r\n\ntwo \n", "en")
    assert example.entities == ()
